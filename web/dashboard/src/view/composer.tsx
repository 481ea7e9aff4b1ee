// The box to send from: to a session, or to all of a pipe; in the notation that one likes; and what became of it.
import { useMemo, useState } from 'preact/hooks';
import type { Answer } from '../connection/api';
import { draftModes } from '../payload/encode';
import { Payload } from '../payload/formats';
import { en } from '../text/en';
import { CurlButton, RepeatMenu, SentMenu, SnippetMenu } from './composer_menus';
import { useApp, useTopics } from './context';
import { COMPOSER_ID } from './focus_composer';
import { PayloadBody } from './payload_view';
import { currentTarget, DirectionSelect, isTap, TargetSelect } from './target_select';
import { type Outcome, type Sending, useSending } from './use_sending';

function ModeSwitch() {
  const { draft } = useApp();
  return (
    <div class="switch" role="group" aria-label={en.composer.modesLabel}>
      {draftModes.map((mode) => (
        <button
          key={mode}
          type="button"
          aria-pressed={draft.mode === mode}
          onClick={() => draft.setMode(mode)}
        >
          {en.composer.modes[mode]}
        </button>
      ))}
    </div>
  );
}

async function takeFile(file: File | undefined, take: (name: string, bytes: Uint8Array) => void) {
  if (file !== undefined) take(file.name, new Uint8Array(await file.arrayBuffer()));
}

function FileField() {
  const { draft } = useApp();
  const take = (name: string, bytes: Uint8Array): void => draft.setFile(name, bytes);
  return (
    <label class="file-field">
      <input
        type="file"
        class="unseen"
        onChange={(event) => void takeFile(event.currentTarget.files?.[0], take)}
      />
      {draft.file === null
        ? en.composer.chooseFile
        : en.composer.file(draft.file.name, draft.file.bytes.length)}
    </label>
  );
}

function TextField({ sending }: { sending: Sending }) {
  const { draft } = useApp();
  const { mode } = draft;
  const isWrong = draft.text !== '' && !draft.encode().ok;
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) sending.send();
    else if (event.altKey && event.key === 'ArrowUp') draft.recall(1);
    else if (event.altKey && event.key === 'ArrowDown') draft.recall(-1);
    else return;
    event.preventDefault();
  };
  return (
    <textarea
      id={COMPOSER_ID}
      class="mono"
      rows={3}
      spellcheck={false}
      autocomplete="off"
      aria-label={en.composer.bodyLabel}
      aria-invalid={isWrong}
      aria-describedby="composer-state"
      placeholder={mode === 'file' ? '' : en.composer.placeholders[mode]}
      value={draft.text}
      onInput={(event) => draft.setText(event.currentTarget.value)}
      onKeyDown={onKeyDown}
    />
  );
}

function WaitField() {
  const { draft } = useApp();
  return (
    <span class="wait">
      <label>
        <input
          type="checkbox"
          checked={draft.callMs !== null}
          onChange={(event) => draft.setCall(event.currentTarget.checked ? 2000 : null)}
        />{' '}
        {en.composer.wait}
      </label>
      {draft.callMs !== null && (
        <>
          {' '}
          <span class="faint">{en.composer.upTo}</span>{' '}
          <select
            class="field"
            aria-label={en.composer.waitLabel}
            value={draft.callMs}
            onChange={(event) => draft.setCall(Number(event.currentTarget.value))}
          >
            {[500, 2000, 10_000, 20_000].map((ms) => (
              <option key={ms} value={ms}>
                {en.composer.seconds(ms / 1000)}
              </option>
            ))}
          </select>
        </>
      )}
    </span>
  );
}

function AnswerPane({ answer }: { answer: Answer }) {
  const payload = useMemo(() => Payload.ofBytes(answer.bytes), [answer]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a long answer scrolls by keyboard too
    <section class="answer" aria-label={en.composer.answerLabel} tabIndex={0}>
      <PayloadBody payload={payload} mode={payload.natural} />
    </section>
  );
}

function State({ sending }: { sending: Sending }) {
  const { draft } = useApp();
  const { progress, outcome } = sending;
  if (progress !== null) {
    return (
      <span class="outcome num" role="status">
        {en.composer.progress(progress.done, progress.times)}{' '}
        <button type="button" class="btn quiet" onClick={sending.cancel}>
          {en.composer.cancel}
        </button>
      </span>
    );
  }
  const encoded = draft.mode === 'text' || draft.text === '' ? null : draft.encode();
  const shown: Outcome =
    encoded?.ok === false
      ? { kind: 'bad', words: en.composer.wrong(encoded.offset + 1, encoded.detail) }
      : (outcome ?? {
          kind: 'faint',
          words: encoded === null ? '' : en.detail.bytes(encoded.bytes.length),
        });
  return (
    <span class={`outcome num ${shown.kind}`} role="status" id="composer-state">
      {shown.words}
    </span>
  );
}

export function Composer() {
  const { store, ui, draft } = useApp();
  useTopics(store.pipesTopic, store.sessionsTopic, ui.topic, draft.topic);
  const target = currentTarget(store, ui);
  const direction = target !== null && isTap(store, target) ? ui.direction : null;
  const sending = useSending(draft, target, direction);
  const [isOver, setOver] = useState(false);
  const isOpen = ui.isComposerOpen;
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    void takeFile(event.dataTransfer?.files[0], (name, bytes) => draft.setFile(name, bytes));
  };
  return (
    <section
      class={`composer ${isOpen ? '' : 'folded'} ${isOver ? 'over' : ''}`}
      aria-label={en.composer.title}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <div class="composer-top">
        <strong>{en.composer.title}</strong>
        <span class="dim">{en.composer.to}</span>
        {target === null ? (
          <span class="dim">{en.composer.noPipe(ui.route.pipe)}</span>
        ) : (
          <TargetSelect target={target} />
        )}
        {direction !== null && <DirectionSelect />}
        <span class="grow" />
        {isOpen && <ModeSwitch />}
        {isOpen && draft.mode === 'text' && (
          <select
            class="btn"
            aria-label={en.composer.endingLabel}
            value={draft.ending}
            onChange={(event) => draft.setEnding(event.currentTarget.value === 'crlf' ? 'crlf' : 'lf')}
          >
            <option value="lf">LF</option>
            <option value="crlf">CRLF</option>
          </select>
        )}
        <button
          type="button"
          class="btn quiet fold"
          aria-expanded={isOpen}
          aria-label={isOpen ? en.composer.hide : en.composer.show}
          title={isOpen ? en.composer.hide : en.composer.show}
          onClick={() => ui.setComposerOpen(!isOpen)}
        >
          <span aria-hidden="true">{isOpen ? '▾' : '▴'}</span>
        </button>
      </div>
      <div class="composer-rest">
        <div class={sending.answer === null ? '' : 'composer-sides'}>
          {draft.mode === 'file' ? <FileField /> : <TextField sending={sending} />}
          {sending.answer !== null && <AnswerPane answer={sending.answer} />}
        </div>
        <div class="composer-end">
          <WaitField />
          <State sending={sending} />
          <div class="composer-actions">
            <SentMenu />
            <SnippetMenu />
            <RepeatMenu sending={sending} />
            {target !== null && <CurlButton target={target} direction={direction} />}
            <button
              type="button"
              class="btn primary"
              disabled={target === null}
              aria-busy={sending.isSending}
              aria-keyshortcuts="Control+Enter"
              onClick={sending.send}
            >
              {sending.isSending ? en.composer.sending : en.composer.send} <kbd>Ctrl ⏎</kbd>
            </button>
          </div>
        </div>
      </div>
    </section>
  );
}
