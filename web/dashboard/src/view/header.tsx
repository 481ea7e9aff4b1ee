// The bar on top: whether the page is live, what goes through the bridge, the theme.
import type { ConnectionState } from '../connection/connection';
import { en } from '../text/en';
import { useApp, useNow, useTopics } from './context';

const themeGlyph = { system: '◐', light: '☀', dark: '☾' } as const;

function Brand() {
  return (
    <span class="brand">
      <svg width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
        <path d="M1.5 13.5h4c3 0 3-7 6-7h7M1.5 6.5h4c1.2 0 1.9 1.1 2.6 2.4M10.4 11.4c.5 1.2 1.1 2.1 2.1 2.1h6" />
      </svg>
      <span class="brand-name">{en.product}</span>
    </span>
  );
}

function stateWords(state: ConnectionState, isHealthy: boolean): { dot: string; words: string } {
  if (state.kind === 'live') {
    return isHealthy ? { dot: 'good', words: en.header.live } : { dot: 'bad', words: en.header.stuck };
  }
  if (state.kind === 'waiting') return { dot: 'off', words: en.header.lost };
  return { dot: 'off', words: state.lostAtMs === null ? en.header.connecting : en.header.reconnecting };
}

function Retry({ state }: { state: ConnectionState & { kind: 'waiting' } }) {
  const { connection } = useApp();
  const now = useNow(true, 250);
  const seconds = Math.max(0, Math.ceil((state.retryAtMs - now) / 1000));
  return (
    <>
      <span class="num dim">{en.header.retryIn(seconds)}</span>
      <button type="button" class="btn" onClick={() => connection.retryNow()}>
        {en.header.retryNow}
      </button>
    </>
  );
}

function ConnectionStatus() {
  const { store } = useApp();
  useTopics(store.connectionTopic);
  const state = store.connection;
  const { dot, words } = stateWords(state, store.isHealthy);
  const lostAtMs = state.kind === 'live' ? null : state.lostAtMs;
  return (
    <>
      <span class={`state ${dot}`} role="status" aria-label={en.header.state} data-state={state.kind}>
        <span class={`dot ${dot}`} />
        {words}
        {lostAtMs !== null && <span class="as-of num">{en.header.asOf(lostAtMs)}</span>}
      </span>
      {state.kind === 'waiting' && <Retry state={state} />}
    </>
  );
}

function Throughput() {
  const { store } = useApp();
  useTopics(store.pipesTopic, store.connectionTopic);
  if (store.connection.kind !== 'live') return null;
  return (
    <>
      <span class="num dim">{en.header.messagesPerSecond(store.total.messagesPerSecond)}</span>
      <span class="num dim">{en.header.bytesPerSecond(store.total.bytesPerSecond)}</span>
    </>
  );
}

export function Header() {
  const { ui } = useApp();
  useTopics(ui.topic);
  const label = en.header.theme[ui.theme];
  return (
    <header>
      <Brand />
      <span class="health">
        <ConnectionStatus />
        <Throughput />
      </span>
      <span class="grow" />
      <button
        type="button"
        class="btn quiet jump"
        aria-keyshortcuts="Control+K"
        onClick={() => ui.setDialog('palette')}
      >
        <span>{en.palette.open}</span> <kbd>Ctrl K</kbd>
      </button>
      <button
        type="button"
        class="btn quiet theme"
        title={label}
        aria-label={label}
        onClick={() => ui.nextTheme()}
      >
        <span aria-hidden="true">{themeGlyph[ui.theme]}</span>
      </button>
    </header>
  );
}
