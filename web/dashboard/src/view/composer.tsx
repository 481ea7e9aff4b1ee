// The box to send from: to a session, or to all of a pipe; and what became of it.
import { useRef, useState } from 'preact/hooks';
import { api, type Target } from '../connection/api';
import type { Direction } from '../protocol/event';
import { type Store, takesMessages } from '../store/store';
import type { Ui } from '../store/ui';
import { en } from '../text/en';
import { useApp, useTopics } from './context';

/** A list of thousands helps nobody; the Sessions tab reaches the others. */
const MAX_LISTED = 200;
const BODY_ID = 'composer-body';

export function focusComposer(): void {
  requestAnimationFrame(() => document.getElementById(BODY_ID)?.focus());
}

const encode = (target: Target): string =>
  'pipe' in target ? `pipe ${target.pipe}` : `session ${target.session}`;

function decode(value: string): Target {
  const space = value.indexOf(' ');
  const rest = value.slice(space + 1);
  return value.startsWith('pipe') ? { pipe: rest } : { session: Number(rest) };
}

/** What was chosen; else the session or pipe that one looks at; else the first pipe that takes messages. */
function currentTarget(store: Store, ui: Ui): Target | null {
  if (ui.target !== null) return ui.target;
  const { pipe, session } = ui.route;
  const looked = session === null ? pipe : (store.sessions.get(session)?.info.pipe ?? pipe);
  const info = store.pipe(looked)?.info;
  if (info !== undefined && !takesMessages(info)) return null;
  if (session !== null) return { session };
  const first = pipe ?? store.pipes.find((each) => takesMessages(each.info))?.info.name;
  return first === undefined ? null : { pipe: first };
}

function TargetSelect({ target }: { target: Target }) {
  const { store, ui } = useApp();
  const pipes = store.pipes.filter(
    ({ info }) => (ui.route.pipe === null || info.name === ui.route.pipe) && takesMessages(info),
  );
  const open = [...store.sessions.open.values()].filter(({ info }) =>
    pipes.some((pipe) => pipe.info.name === info.pipe),
  );
  const listed = open.slice(-MAX_LISTED);
  const isListed = 'pipe' in target || listed.some(({ info }) => info.id === target.session);
  return (
    <select
      class="btn target"
      aria-label={en.composer.targetLabel}
      value={encode(target)}
      onChange={(event) => ui.setTarget(decode(event.currentTarget.value))}
    >
      {!isListed && 'session' in target && (
        <option value={encode(target)}>
          {store.sessions.open.has(target.session)
            ? en.composer.session(
                target.session,
                store.sessions.get(target.session)?.info.peer.name ?? '',
              )
            : en.composer.gone(target.session)}
        </option>
      )}
      {pipes.map(({ info }) => (
        <optgroup key={info.name} label={info.name}>
          <option value={encode({ pipe: info.name })}>
            {info.role === 'client'
              ? en.composer.serverOf(info.name, info.connection?.connected === true)
              : en.composer.allOf(info.name, info.sessions)}
          </option>
          {listed
            .filter((session) => session.info.pipe === info.name)
            .map((session) => (
              <option key={session.info.id} value={encode({ session: session.info.id })}>
                {en.composer.session(session.info.id, session.info.peer.name)}
              </option>
            ))}
        </optgroup>
      ))}
      {open.length > listed.length && (
        <option disabled>{en.composer.more(open.length - listed.length)}</option>
      )}
    </select>
  );
}

/** The pipe of a target is a tap, which has a side either way. */
function isTap(store: Store, target: Target): boolean {
  const name = 'pipe' in target ? target.pipe : store.sessions.get(target.session)?.info.pipe;
  return name !== undefined && store.pipe(name)?.info.role === 'tap';
}

function DirectionSelect() {
  const { ui } = useApp();
  return (
    <select
      class="btn"
      aria-label={en.composer.directionLabel}
      value={ui.direction}
      onChange={(event) => ui.setDirection(event.currentTarget.value === 's2c' ? 's2c' : 'c2s')}
    >
      <option value="c2s">{en.composer.directions.c2s}</option>
      <option value="s2c">{en.composer.directions.s2c}</option>
    </select>
  );
}

interface Outcome {
  readonly kind: 'good' | 'warn' | 'bad';
  readonly words: string;
}

async function deliver(target: Target, direction: Direction | null, text: string): Promise<Outcome> {
  const answer = await api.send(target, direction, text);
  if (!answer.ok) return { kind: 'bad', words: en.composer.problem(answer.problem) };
  return { kind: answer.status === 201 ? 'good' : 'warn', words: en.composer.delivered(answer.value) };
}

function useSending(target: Target | null, direction: Direction | null) {
  const body = useRef<HTMLTextAreaElement>(null);
  const [isSending, setSending] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const send = async (): Promise<void> => {
    const area = body.current;
    if (area === null || target === null || isSending) return;
    setSending(true);
    setOutcome(await deliver(target, direction, area.value));
    setSending(false);
    area.select();
  };
  return { body, isSending, outcome, send: () => void send() };
}

export function Composer() {
  const { store, ui } = useApp();
  useTopics(store.pipesTopic, store.sessionsTopic, ui.topic);
  const target = currentTarget(store, ui);
  const direction = target !== null && isTap(store, target) ? ui.direction : null;
  const { body, isSending, outcome, send } = useSending(target, direction);
  const isOpen = ui.isComposerOpen;
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    send();
  };
  return (
    <section class={`composer ${isOpen ? '' : 'folded'}`} aria-label={en.composer.title}>
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
        <textarea
          ref={body}
          id={BODY_ID}
          class="mono"
          rows={3}
          spellcheck={false}
          autocomplete="off"
          aria-label={en.composer.bodyLabel}
          placeholder={en.composer.placeholder}
          onKeyDown={onKeyDown}
        />
        <div class="composer-end">
          <span class={`outcome num ${outcome?.kind ?? ''}`} role="status">
            {outcome?.words ?? ''}
          </span>
          <span class="grow" />
          <button
            type="button"
            class="btn primary"
            disabled={target === null}
            aria-busy={isSending}
            aria-keyshortcuts="Control+Enter"
            onClick={send}
          >
            {isSending ? en.composer.sending : en.composer.send} <kbd>Ctrl ⏎</kbd>
          </button>
        </div>
      </div>
    </section>
  );
}
