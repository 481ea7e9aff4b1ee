// What stands in an empty table: why it is empty, and what to paste to change that.
import type { PipeInfo } from '../protocol/event';
import { takesMessages } from '../store/store';
import { injectCommand, readCommand, socatCommand, watchCommand, writeCommand } from '../text/commands';
import { en } from '../text/en';
import { useApp, useTopics } from './context';
import { CopyButton } from './copy_button';

function Line({ what, command }: { what: string; command: string }) {
  return (
    <div class="paste">
      <p>{what}</p>
      <div class="paste-line">
        <code>{command}</code>
        <CopyButton
          class=""
          label={en.start.copy}
          done={en.start.copied}
          failed={en.detail.copyFailed}
          text={() => command}
        />
      </div>
    </div>
  );
}

function injectWords({ name, role }: PipeInfo): string {
  if (role === 'client') return en.start.injectServer(name);
  return role === 'tap' ? en.start.injectUpstream(name) : en.start.inject(name);
}

function Lines() {
  const { store, ui } = useApp();
  const pipe = store.pipe(ui.route.pipe) ?? (ui.route.pipe === null ? store.pipes[0] : undefined);
  if (pipe === undefined) return null;
  const { info } = pipe;
  return (
    <>
      {info.access === 'duplex' && info.role !== 'client' && (
        <Line what={en.start.talk(info.name)} command={socatCommand(info)} />
      )}
      {info.access === 'inbound' && (
        <Line what={en.start.write(info.name)} command={writeCommand(info)} />
      )}
      {info.access === 'outbound' && (
        <Line what={en.start.read(info.name)} command={readCommand(info)} />
      )}
      {takesMessages(info) && (
        <Line what={injectWords(info)} command={injectCommand(location.origin, info)} />
      )}
      <Line what={en.start.watch} command={watchCommand(location.origin, ui.route.pipe)} />
    </>
  );
}

export function StartHint() {
  const { store, ui } = useApp();
  useTopics(store.pipesTopic, store.connectionTopic);
  const isLive = store.connection.kind === 'live';
  if (!store.isKnown) {
    const isLost = store.connection.kind === 'waiting';
    return (
      <div class="empty">
        <h2>{isLost ? en.start.neverReached : en.start.loading}</h2>
        {isLost && <p>{en.start.lost}</p>}
      </div>
    );
  }
  if (store.query.passes !== null) {
    return (
      <div class="empty">
        <h2>{en.start.noMatchFilter}</h2>
      </div>
    );
  }
  if (ui.route.session !== null) {
    return (
      <div class="empty">
        <h2>{en.start.noMatch}</h2>
      </div>
    );
  }
  if (ui.route.pipe !== null && store.pipe(ui.route.pipe) === undefined) {
    return (
      <div class="empty">
        <h2>{en.main.unknownPipe(ui.route.pipe)}</h2>
      </div>
    );
  }
  if (store.pipes.length === 0) {
    return (
      <div class="empty">
        <h2>{en.rail.noPipes}</h2>
      </div>
    );
  }
  return (
    <div class="empty">
      <h2>{en.start.waiting}</h2>
      <p>{isLive ? en.start.hint : en.start.lost}</p>
      <Lines />
    </div>
  );
}
