// Who a message goes to: chosen, or as the place suggests.
import type { Target } from '../connection/api';
import { type Store, takesMessages } from '../store/store';
import type { Ui } from '../store/ui';
import { en } from '../text/en';
import { useApp } from './context';

/** A list of thousands helps nobody; the Sessions tab reaches the others. */
const MAX_LISTED = 200;

const encode = (target: Target): string =>
  'pipe' in target ? `pipe ${target.pipe}` : `session ${target.session}`;

function decode(value: string): Target {
  const space = value.indexOf(' ');
  const rest = value.slice(space + 1);
  return value.startsWith('pipe') ? { pipe: rest } : { session: Number(rest) };
}

/** What was chosen; else the session or pipe that one looks at; else the first pipe that takes messages. */
export function currentTarget(store: Store, ui: Ui): Target | null {
  if (ui.target !== null) return ui.target;
  const { pipe, session } = ui.route;
  const looked = session === null ? pipe : (store.sessions.get(session)?.info.pipe ?? pipe);
  const info = store.pipe(looked)?.info;
  if (info !== undefined && !takesMessages(info)) return null;
  if (session !== null) return { session };
  const first = pipe ?? store.pipes.find((each) => takesMessages(each.info))?.info.name;
  return first === undefined ? null : { pipe: first };
}

export function TargetSelect({ target }: { target: Target }) {
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
export function isTap(store: Store, target: Target): boolean {
  const name = 'pipe' in target ? target.pipe : store.sessions.get(target.session)?.info.pipe;
  return name !== undefined && store.pipe(name)?.info.role === 'tap';
}

export function DirectionSelect() {
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
