// Puts the page together: connection → store → view.
import { render } from 'preact';
import './style/index.css';
import { api } from './connection/api';
import { browserHost } from './connection/browser_host';
import { Connection } from './connection/connection';
import { Poller } from './connection/poller';
import { Draft } from './store/draft';
import type { Route } from './store/route';
import { Store } from './store/store';
import { FrameScheduler } from './store/topic';
import { type Density, type Theme, Ui, type UiHost } from './store/ui';
import { listenToKeyboard } from './view/keyboard';
import { Shell } from './view/shell';

/** How much of the past is fetched when the page begins. */
const HISTORY = 10_000;

const uiHost: UiHost = {
  get hash() {
    return location.hash;
  },
  setHash(hash) {
    location.hash = hash;
  },
  replaceHash(hash) {
    history.replaceState(null, '', hash);
  },
  load(key) {
    try {
      return localStorage.getItem(`pipebridge.${key}`);
    } catch {
      return null; // storage is closed to this page: habits last as long as the page
    }
  },
  save(key, value) {
    try {
      localStorage.setItem(`pipebridge.${key}`, value);
    } catch {
      // as above
    }
  },
  applyTheme(theme: Theme) {
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
  },
  applyDensity(density: Density) {
    document.documentElement.dataset.density = density;
  },
};

function main(): void {
  const scheduler = new FrameScheduler((routine) => requestAnimationFrame(routine));
  const store = new Store(scheduler);
  const poller = new Poller(
    { ...api, nowMs: browserHost.nowMs, startTimer: browserHost.startTimer },
    store,
  );
  const connection = new Connection(
    browserHost,
    {
      onState(state) {
        store.onState(state);
        if (state.kind === 'live') poller.start();
        else poller.stop();
      },
      onSnapshot: (snapshot) => store.onSnapshot(snapshot),
      onEvents: (run, events) => store.onEvents(run, events),
    },
    HISTORY,
  );
  const arrive = (route: Route): void => {
    store.setFilter(route.pipe, route.session, route.query);
    store.wanted = route.tab === 'sessions' ? { pipe: route.pipe } : null;
    void poller.refreshSessions();
  };
  const ui = new Ui(scheduler, uiHost, arrive);
  const draft = new Draft(scheduler, ui);

  addEventListener('hashchange', () => ui.hashChanged());
  addEventListener('online', () => connection.retryNow());
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) connection.retryNow();
  });
  listenToKeyboard(store, ui);
  const root = document.getElementById('root');
  if (root !== null) render(<Shell app={{ store, ui, draft, connection, poller }} />, root);
  connection.start();
}

main();
