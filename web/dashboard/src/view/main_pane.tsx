// The middle: what is looked at, its tabs, the bar above the table, the table, the composer.
import type { Tab } from '../store/route';
import { en } from '../text/en';
import { formatCount } from '../text/format';
import { Composer } from './composer';
import { useApp, useTopics } from './context';
import { FilterBox } from './filter_box';
import { MessageTable } from './message_table';
import { Overview } from './overview';
import { SessionTable } from './session_table';

function Title() {
  const { store, ui } = useApp();
  useTopics(store.pipesTopic, ui.topic);
  const { pipe } = ui.route;
  const info = store.pipe(pipe)?.info;
  const path = pipe === null ? en.main.allPath(store.pipes.length) : (info?.path ?? '');
  const connection = info?.connection;
  return (
    <div class="title">
      <h1>{pipe ?? en.allPipes}</h1>
      <span class={pipe === null ? 'path dim' : 'path dim mono'} title={path}>
        {path}
      </span>
      {pipe !== null && info !== undefined && (
        <button type="button" class="btn quiet edit" onClick={() => ui.setDialog({ pipe })}>
          {en.pipeForm.editShort}
        </button>
      )}
      {connection !== undefined && (
        <span class={`link ${connection.connected ? 'dim' : 'warn'}`} role="status">
          {connection.connected ? en.main.connected : en.main.away(connection)}
        </span>
      )}
    </div>
  );
}

function Tabs() {
  const { store, ui } = useApp();
  useTopics(store.pipesTopic, ui.topic);
  const { pipe, tab } = ui.route;
  const mine = pipe === null ? store.pipes : store.pipes.filter((each) => each.info.name === pipe);
  const sessions = mine.reduce((sum, each) => sum + each.info.sessions, 0);
  const entry = (name: Tab, extra?: string) => (
    <button
      type="button"
      role="tab"
      id={`tab-${name}`}
      aria-selected={tab === name}
      aria-controls="tab-panel"
      onClick={() => ui.go({ tab: name })}
    >
      {en.main.tabs[name]}
      {extra !== undefined && <span class="chip num">{extra}</span>}
    </button>
  );
  return (
    <div class="tabs" role="tablist">
      {entry('messages')}
      {entry('sessions', formatCount(sessions))}
      {entry('overview')}
    </div>
  );
}

function MessageBar() {
  const { store, ui } = useApp();
  useTopics(store.messagesTopic, ui.topic);
  const { view } = store;
  const { session } = ui.route;
  const dropped = view.dropped;
  return (
    <div class="bar">
      <FilterBox />
      {session !== null && (
        <span class="chip filter-chip">
          {en.main.onlySession(session, store.sessions.get(session)?.info.peer.name ?? '')}
          <button
            type="button"
            title={en.main.clearSession}
            aria-label={en.main.clearSession}
            onClick={() => ui.go({ session: null })}
          >
            ✕
          </button>
        </span>
      )}
      <span class="faint num counts" title={en.main.kept(view.count, dropped)}>
        {en.main.shown(view.count, store.log.rows.length)}
        {dropped > 0 && ` · ${en.main.dropped(dropped)}`}
      </span>
      {view.isPaused && <span class="warn num">{en.main.waiting(view.waiting)}</span>}
      <button
        type="button"
        class="btn"
        aria-pressed={view.isPaused}
        aria-keyshortcuts="Space"
        onClick={() => store.setPaused(!view.isPaused)}
      >
        <span aria-hidden="true">{view.isPaused ? '▶' : '❙❙'}</span>{' '}
        {view.isPaused ? en.main.resume : en.main.pause}
      </button>
    </div>
  );
}

function FollowButton() {
  const { store, ui } = useApp();
  useTopics(store.messagesTopic, ui.topic);
  if ((ui.isFollowing && !store.view.isPaused) || store.view.count === 0) return null;
  const follow = (): void => {
    store.setPaused(false);
    ui.setFollowing(true);
  };
  return (
    <button type="button" class="btn follow" aria-keyshortcuts="f" onClick={follow}>
      <span aria-hidden="true">↓</span> {en.main.follow} <kbd>F</kbd>
    </button>
  );
}

function Panel({ tab }: { tab: Tab }) {
  if (tab === 'sessions') return <SessionTable />;
  return tab === 'overview' ? <Overview /> : <MessageTable />;
}

export function MainPane() {
  const { ui } = useApp();
  useTopics(ui.topic);
  const isMessages = ui.route.tab === 'messages';
  return (
    <main>
      <div class="top">
        <Title />
        <Tabs />
        {isMessages && <MessageBar />}
      </div>
      <div class="panel" role="tabpanel" id="tab-panel" aria-labelledby={`tab-${ui.route.tab}`}>
        <Panel tab={ui.route.tab} />
        {isMessages && <FollowButton />}
      </div>
      <Composer />
    </main>
  );
}
