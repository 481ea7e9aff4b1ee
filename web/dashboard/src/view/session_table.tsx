// The sessions of a pipe, or of all: who is connected, since when, what went each way.
import { useState } from 'preact/hooks';
import { api } from '../connection/api';
import type { Direction } from '../protocol/event';
import type { Session, SessionColumn } from '../store/sessions';
import { takesMessages } from '../store/store';
import { en } from '../text/en';
import { formatDate, formatDuration, formatTime } from '../text/format';
import { ConfirmDialog } from './confirm_dialog';
import { tooNarrowForSessions, useApp, useMedia, useNow, useTopics } from './context';
import { focusComposer } from './focus_composer';
import { useVirtualRows } from './virtual_rows';

const ROW_HEIGHT = 33;
const THREE_LINES = 84;
const ignore = (): void => undefined;

const known = (value: number): string => (value < 0 ? en.sessions.unknown : String(value));

/** The service's count; of a closed session the last one that it gave. */
function trafficWords({ info, closed, isCounted }: Session, direction: Direction): string {
  if (!isCounted) return en.none;
  const { messages, bytes } = info[direction];
  return `${closed === null ? '' : '≥ '}${en.sessions.traffic(messages, bytes)}`;
}

function stateWords({ info, closed }: Session, nowMs: number): string {
  if (closed === null)
    return `${en.sessions.open} · ${formatDuration(nowMs - info.opened_wall_ns / 1e6)}`;
  return en.table.closed(
    {
      kind: 'closed',
      seq: 0,
      mono_ns: 0,
      pipe: info.pipe,
      session: info.id,
      wall_ns: closed.wallNs,
      reason: closed.reason,
      status: closed.status,
    },
    info.opened_wall_ns,
  );
}

interface RowProps {
  readonly session: Session;
  readonly index: number;
  readonly nowMs: number;
  readonly hasPipe: boolean;
  readonly onDisconnect: (session: Session) => void;
}

function Actions({ session, onDisconnect }: Pick<RowProps, 'session' | 'onDisconnect'>) {
  const { store, ui } = useApp();
  const { info, closed } = session;
  const pipe = store.pipe(info.pipe)?.info;
  const showMessages = (): void => {
    ui.go({ pipe: info.pipe, session: info.id, tab: 'messages' });
    ui.setFollowing(true);
  };
  const send = (): void => {
    ui.setTarget({ session: info.id });
    ui.setComposerOpen(true);
    ui.setPage('send');
    focusComposer();
  };
  return (
    <span role="gridcell" class="td actions">
      <button type="button" class="btn quiet" onClick={showMessages}>
        {en.sessions.messages}
      </button>
      {closed === null && pipe !== undefined && takesMessages(pipe) && (
        <button type="button" class="btn quiet" onClick={send}>
          {en.sessions.send}
        </button>
      )}
      {closed === null && (
        <button type="button" class="btn quiet danger" onClick={() => onDisconnect(session)}>
          {en.sessions.disconnect}
        </button>
      )}
    </span>
  );
}

function SessionRow({ session, index, nowMs, hasPipe, onDisconnect }: RowProps) {
  const { info, closed } = session;
  const since = formatTime(info.opened_wall_ns);
  return (
    <div
      role="row"
      class={`tr ${closed === null ? '' : 'life'}`}
      aria-rowindex={index + 2}
      data-session={info.id}
    >
      <span role="gridcell" class="td num id">
        #{info.id}
      </span>
      {hasPipe && (
        <span role="gridcell" class="td of-pipe">
          {info.pipe}
        </span>
      )}
      <span role="gridcell" class="td process" title={en.detail.program(info.peer).join('\n')}>
        {info.peer.name === '' ? en.sessions.unknown : info.peer.name}
      </span>
      <span role="gridcell" class="td num ids">
        <span class="label">{en.detail.peer(info.peer)}</span>
        <span class="short">
          {known(info.peer.pid)} · {info.peer.user ?? known(info.peer.uid)}
        </span>
      </span>
      <span role="gridcell" class="td num since" title={`${formatDate(info.opened_wall_ns)} ${since}`}>
        {since.slice(0, 8)}
      </span>
      <span role="gridcell" class="td num c2s">
        <span class="label">→ </span>
        {trafficWords(session, 'c2s')}
      </span>
      <span role="gridcell" class="td num s2c">
        <span class="label">← </span>
        {trafficWords(session, 's2c')}
      </span>
      <span role="gridcell" class="td state-words" title={stateWords(session, nowMs)}>
        {stateWords(session, nowMs)}
      </span>
      <Actions session={session} onDisconnect={onDisconnect} />
    </div>
  );
}

function HeadRow({ hasPipe }: { hasPipe: boolean }) {
  const { ui } = useApp();
  const { columns } = en.sessions;
  const { column: sorted, isDescending } = ui.sessionSort;
  const names: readonly (readonly [SessionColumn, string])[] = [
    ['session', columns.session],
    ...(hasPipe ? [['pipe', en.table.columns.pipe] as const] : []),
    ['process', columns.process],
    ['ids', columns.ids],
    ['since', columns.since],
    ['c2s', columns.c2s],
    ['s2c', columns.s2c],
    ['state', columns.state],
  ];
  return (
    <div role="rowgroup" class="thead">
      <div role="row" class="tr" aria-rowindex={1}>
        {names.map(([column, name]) => (
          <span
            key={column}
            role="columnheader"
            class="td"
            aria-sort={column === sorted ? (isDescending ? 'descending' : 'ascending') : 'none'}
          >
            <button type="button" class="column" onClick={() => ui.sortSessions(column)}>
              {name}
              {column === sorted && <span aria-hidden="true">{isDescending ? ' ▾' : ' ▴'}</span>}
            </button>
          </span>
        ))}
        <span role="columnheader" class="td">
          <span class="unseen">{columns.actions}</span>
        </span>
      </div>
    </div>
  );
}

function Confirm({ session, onDone }: { session: Session; onDone: () => void }) {
  const { store } = useApp();
  const [problem, setProblem] = useState('');
  const { info } = session;
  const { confirm } = en.sessions;
  const isInbound = store.pipe(info.pipe)?.info.access === 'inbound';
  const toDuplex = store.isClient(info.pipe) ? confirm.bodyClient : confirm.body;
  const disconnect = async (): Promise<void> => {
    const answer = await api.disconnect(info.id);
    if (answer.ok || answer.problem.status === 404 || answer.problem.status === 409) onDone();
    else setProblem(en.composer.problem(answer.problem));
  };
  return (
    <ConfirmDialog
      title={confirm.title(info.id, info.peer.name)}
      body={isInbound ? confirm.bodyInbound : toDuplex}
      problem={problem}
      yes={confirm.yes}
      no={confirm.no}
      onYes={() => void disconnect()}
      onNo={onDone}
    />
  );
}

export function SessionTable() {
  const { store, ui } = useApp();
  useTopics(store.sessionsTopic, ui.topic);
  const [asked, setAsked] = useState<Session | null>(null);
  const nowMs = useNow(true, 1000);
  const isNarrow = useMedia(tooNarrowForSessions);
  const { pipe } = ui.route;
  const sessions = store.sessions.sorted(pipe, ui.sessionSort);
  const window = useVirtualRows({
    count: sessions.length,
    rowHeight: isNarrow ? THREE_LINES : ROW_HEIGHT,
    dropped: 0,
    viewKey: 'sessions',
    isFollowing: false,
    onLetGo: ignore,
  });
  const hasPipe = pipe === null;
  return (
    <div
      role="grid"
      class={`grid sessions ${hasPipe ? 'with-pipe' : ''}`}
      tabIndex={0}
      aria-label={en.sessions.label}
      aria-rowcount={sessions.length + 1}
    >
      <HeadRow hasPipe={hasPipe} />
      <div role="rowgroup" class="tbody scroll" ref={window.scrollRef}>
        <div role="presentation" class="tall" style={{ height: `${window.totalHeight}px` }}>
          <div role="presentation" class="drawn" style={{ transform: `translateY(${window.offset}px)` }}>
            {sessions.slice(window.first, window.end).map((session, index) => (
              <SessionRow
                key={session.info.id}
                session={session}
                index={window.first + index}
                nowMs={nowMs}
                hasPipe={hasPipe}
                onDisconnect={setAsked}
              />
            ))}
          </div>
        </div>
        {sessions.length === 0 && (
          <div class="empty">
            <h2>{pipe === null ? en.sessions.none : en.sessions.noneOfPipe(pipe)}</h2>
          </div>
        )}
      </div>
      {asked !== null && <Confirm session={asked} onDone={() => setAsked(null)} />}
    </div>
  );
}
