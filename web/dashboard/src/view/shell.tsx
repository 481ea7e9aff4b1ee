// The page as a whole: which panes there are, and the title of the document.
import { useEffect } from 'preact/hooks';
import { en } from '../text/en';
import { type App, AppContext, useApp, useTopics } from './context';
import { Detail } from './detail';
import { Header } from './header';
import { Help } from './help';
import { MainPane } from './main_pane';
import { PageBar } from './pages';
import { Palette } from './palette';
import { PipeDialog } from './pipe_dialog';
import { Rail } from './rail';

function Panes() {
  const { store, ui } = useApp();
  useTopics(ui.topic, store.connectionTopic);
  const { pipe, tab } = ui.route;
  const isLive = store.connection.kind === 'live';
  useEffect(() => {
    document.title = en.document(pipe, isLive);
  }, [pipe, isLive]);
  return (
    <div class={`app page-${ui.page} tab-${tab} ${isLive ? '' : 'stale'}`}>
      <Header />
      <Rail />
      <MainPane />
      <Detail />
      <PageBar />
      {ui.dialog === 'palette' && <Palette />}
      {ui.dialog === 'help' && <Help />}
      {typeof ui.dialog === 'object' && ui.dialog !== null && <PipeDialog name={ui.dialog.pipe} />}
    </div>
  );
}

export function Shell({ app }: { app: App }) {
  return (
    <AppContext.Provider value={app}>
      <Panes />
    </AppContext.Provider>
  );
}
