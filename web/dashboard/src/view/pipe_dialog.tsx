// Adds, changes or removes a pipe while the bridge runs. The form is made from the configuration's schema.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { properties } from '../../../../config/pipebridge.schema.json';
import { api } from '../connection/api';
import {
  configOf,
  type Field,
  fieldsOf,
  type Problems,
  patchOf,
  problemsOf,
  type Schema,
  type Values,
  valuesOf,
} from '../store/pipe_form';
import { en } from '../text/en';
import { useApp } from './context';

const schema: Schema = properties.pipes.items as unknown as Schema;
const fields: readonly Field[] = fieldsOf(schema);
/** What nearly every pipe needs; the others stand behind "More". */
const first = new Set([
  '/name',
  '/role',
  '/transport',
  '/mode',
  '/framing',
  '/path',
  '/upstream',
  '/reply',
]);
const noProblems: Problems = { atField: new Map(), others: [] };

interface FieldProps {
  readonly field: Field;
  readonly value: string;
  readonly problem: string | undefined;
  readonly isFixed: boolean;
  readonly onChange: (value: string) => void;
  readonly onFocus: () => void;
}

function Control({ field, value, problem, isFixed, onChange, onFocus }: FieldProps) {
  const { schema: rules, kind } = field;
  const id = `pipe-form${field.pointer.replaceAll('/', '-')}`;
  const byDefault = rules.default === undefined ? '' : String(rules.default);
  const common = {
    id,
    class: 'field',
    value,
    readOnly: isFixed,
    onFocus,
    'aria-invalid': problem !== undefined,
    'aria-describedby': `${id}-about`,
  };
  const choices = kind === 'flag' ? ['true', 'false'] : (rules.enum ?? []);
  return (
    <div class="form-row">
      <label for={id}>{field.name}</label>
      <div>
        {kind === 'choice' || kind === 'flag' ? (
          <select {...common} onChange={(event) => onChange(event.currentTarget.value)}>
            <option value="">{en.pipeForm.byDefault(byDefault)}</option>
            {choices
              .filter((choice) => choice !== byDefault)
              .map((choice) => (
                <option key={choice} value={choice}>
                  {choice}
                </option>
              ))}
          </select>
        ) : (
          <input
            {...common}
            type="text"
            inputMode={kind === 'number' ? 'numeric' : 'text'}
            maxLength={rules.maxLength}
            placeholder={kind === 'json' ? en.pipeForm.json : byDefault}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => onChange(event.currentTarget.value)}
          />
        )}
        <p id={`${id}-about`} class={problem === undefined ? 'unseen' : 'bad about'}>
          {problem ?? rules.description}
        </p>
      </div>
    </div>
  );
}

/** `name` null: a new one. */
export function PipeDialog({ name }: { name: string | null }) {
  const { ui, poller } = useApp();
  const dialog = useRef<HTMLDialogElement>(null);
  const [before, setBefore] = useState<Values>({});
  const [values, setValues] = useState<Values>({});
  const [problems, setProblems] = useState<Problems>(noProblems);
  const [about, setAbout] = useState<Field | undefined>(fields[0]);
  const [isRemoving, setRemoving] = useState(false);
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => {
    if (name === null) return;
    void api.pipe(name).then((answer) => {
      if (!answer.ok) return setProblems({ ...noProblems, others: [answer.problem.detail] });
      const loaded = valuesOf(fields, answer.value.config);
      setBefore(loaded);
      setValues(loaded);
      return undefined;
    });
  }, [name]);
  const close = (): void => ui.setDialog(null);
  const end = (answer: Awaited<ReturnType<typeof api.removePipe>>, pipe: string | null): void => {
    if (!answer.ok) {
      setProblems(problemsOf(fields, en.composer.problem(answer.problem)));
      setRemoving(false);
      return;
    }
    void poller.refresh();
    ui.go({ pipe, session: null });
    close();
  };
  const save = async (): Promise<void> => {
    const wanted = values['/name'] ?? '';
    if (name !== null) end(await api.changePipe(name, patchOf(fields, before, values)), name);
    else if (wanted !== '') end(await api.addPipe(wanted, configOf(fields, values)), wanted);
    else setProblems({ atField: new Map([['/name', en.pipeForm.nameNeeded]]), others: [] });
  };
  const remove = async (): Promise<void> => {
    if (name === null) return;
    if (isRemoving) end(await api.removePipe(name), null);
    else setRemoving(true);
  };
  const control = (field: Field) => (
    <Control
      key={field.pointer}
      field={field}
      value={values[field.pointer] ?? ''}
      problem={problems.atField.get(field.pointer)}
      isFixed={name !== null && field.pointer === '/name'}
      onFocus={() => setAbout(field)}
      onChange={(value) => setValues({ ...values, [field.pointer]: value })}
    />
  );
  const [shown, others] = useMemo(
    () => [
      fields.filter((field) => first.has(field.pointer)),
      fields.filter((field) => !first.has(field.pointer)),
    ],
    [],
  );
  const hasHidden = others.some((field) => problems.atField.has(field.pointer));
  return (
    <dialog ref={dialog} class="pipe-form" aria-labelledby="pipe-form-title" onClose={close}>
      <form
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <h2 id="pipe-form-title">{name === null ? en.pipeForm.add : en.pipeForm.edit(name)}</h2>
        <div class="form-rows">
          {shown.map(control)}
          <details open={hasHidden}>
            <summary>{en.pipeForm.more}</summary>
            {others.map(control)}
          </details>
        </div>
        <p class="form-about faint" aria-hidden="true">
          {about?.schema.description}
        </p>
        {problems.others.map((problem) => (
          <p key={problem} class="bad" role="alert">
            {problem}
          </p>
        ))}
        <div class="dialog-buttons">
          {name !== null && (
            <button
              type="button"
              class={isRemoving ? 'btn danger-solid' : 'btn quiet danger'}
              onClick={() => void remove()}
            >
              {isRemoving ? en.pipeForm.removeYes : en.pipeForm.remove}
            </button>
          )}
          <span class="grow" />
          <button type="button" class="btn" onClick={close}>
            {en.pipeForm.cancel}
          </button>
          <button type="submit" class="btn primary">
            {name === null ? en.pipeForm.addYes : en.pipeForm.save}
          </button>
        </div>
      </form>
    </dialog>
  );
}
