// One row of the message table.
import { findMarks } from '../payload/marks';
import { preview, visibleControls } from '../payload/preview';
import type { PayloadEvent, WireEvent } from '../protocol/event';
import type { Row } from '../store/row';
import type { TimeMode } from '../store/ui';
import { en } from '../text/en';
import { formatCount, formatDelta, formatTime, formatUtcTime } from '../text/format';
import { useApp } from './context';

interface Mark {
  readonly glyph: string;
  readonly words: string;
  /** Where there is little room. */
  readonly short: string;
  /** The row's colour class. */
  readonly kind: string;
}

const marks: Readonly<Record<WireEvent['kind'] | 'c2s' | 's2c', Mark>> = {
  c2s: { glyph: '→', words: en.table.toServer, short: en.table.serverward, kind: 'c2s' },
  s2c: { glyph: '←', words: en.table.toClient, short: en.table.clientward, kind: 's2c' },
  injected: { glyph: '⇥', words: en.table.injected, short: en.table.injected, kind: 'injected' },
  error: { glyph: '✕', words: en.table.error, short: en.table.error, kind: 'error' },
  dropped: {
    glyph: '⚠',
    words: en.table.droppedMark,
    short: en.table.droppedMark,
    kind: 'error',
  },
  gap: { glyph: '⚠', words: 'gap', short: 'gap', kind: 'gap' },
  pipe_added: { glyph: '', words: '', short: '', kind: 'life' },
  pipe_changed: { glyph: '', words: '', short: '', kind: 'life' },
  pipe_removed: { glyph: '', words: '', short: '', kind: 'life' },
  opened: { glyph: '', words: '', short: '', kind: 'life' },
  closed: { glyph: '', words: '', short: '', kind: 'life' },
  message: { glyph: '', words: '', short: '', kind: '' },
};

export function markOf(event: WireEvent): Mark {
  return marks[event.kind === 'message' ? event.direction : event.kind];
}

function sessionWords(row: Row): string {
  if (row.event.kind === 'gap') return '';
  if (row.event.session === 0) {
    return row.event.flags?.includes('reply') === true ? en.table.others : en.table.wholePipe;
  }
  return `#${row.event.session}${row.peerName === '' ? '' : ` ${row.peerName}`}`;
}

/** A text, with what the filter looks for marked in it. */
function Marked({ text }: { text: string }) {
  const { store } = useApp();
  const { marks } = store.query;
  if (marks.length === 0) return <>{text}</>;
  return (
    <>
      {findMarks(text, marks).map((piece) =>
        piece.isFound ? <mark key={piece.at}>{piece.text}</mark> : piece.text,
      )}
    </>
  );
}

function Payload({ event }: { event: PayloadEvent }) {
  const shown = preview(event);
  const isIncomplete = event.flags?.includes('incomplete') === true;
  return (
    <>
      {event.kind === 'injected' && (
        <span class="tag injected">{en.table.injectedTo(event.targets)} · </span>
      )}
      {event.flags?.includes('reply') === true && <span class="tag faint">{en.table.reply} · </span>}
      {isIncomplete && <span class="tag warn">{en.table.incomplete} · </span>}
      {shown.kind === 'hex' && <span class="tag faint">{en.table.hex} </span>}
      {shown.kind === 'empty' ? (
        <span class="faint">{en.table.empty}</span>
      ) : (
        <Marked text={shown.text} />
      )}
    </>
  );
}

function Words({ row }: { row: Row }) {
  const { store } = useApp();
  const { event } = row;
  switch (event.kind) {
    case 'message':
    case 'injected':
      return <Payload event={event} />;
    case 'opened':
      return <>{en.table.opened(event.peer, store.isClient(event.pipe))}</>;
    case 'closed':
      return <>{en.table.closed(event, row.openedWallNs)}</>;
    case 'error':
      return <Marked text={visibleControls(event.detail)} />;
    case 'dropped':
      return <>{en.table.dropped(event)}</>;
    case 'pipe_added':
    case 'pipe_changed':
    case 'pipe_removed':
      return <>{en.table.pipe(event)}</>;
    case 'gap':
      return <>{en.table.gap(event)}</>;
  }
}

/** Of a run's own clock where both have it: it never goes back. */
function elapsed(row: Row, from: Row | undefined): string {
  if (from === undefined || row.event.kind === 'gap' || from.event.kind === 'gap') return '';
  const hasOneClock = row.run === from.run;
  const ns = hasOneClock
    ? row.event.mono_ns - from.event.mono_ns
    : row.event.wall_ns - from.event.wall_ns;
  return formatDelta(ns);
}

function timeWords(row: Row, times: TimeMode, since: Row | undefined): string {
  const { event } = row;
  if (event.kind === 'gap') return '';
  if (times === 'clock') return formatTime(event.wall_ns);
  return times === 'utc' ? formatUtcTime(event.wall_ns) : elapsed(row, since);
}

interface Props {
  /** What the time is told from, unless by the clock. */
  readonly since?: Row | undefined;
  readonly row: Row;
  readonly index: number;
  readonly isSelected: boolean;
  readonly hasPipe: boolean;
  readonly times: TimeMode;
}

export const rowDomId = (id: number): string => `row-${id}`;

export function MessageRow({ row, index, isSelected, hasPipe, times, since }: Props) {
  const { event } = row;
  const mark = markOf(event);
  const isGap = event.kind === 'gap';
  return (
    <div
      role="row"
      id={rowDomId(row.id)}
      data-id={row.id}
      class={`tr ${mark.kind}`}
      aria-rowindex={index + 2}
      aria-selected={isSelected}
    >
      <span role="gridcell" class="td time num" title={isGap ? '' : formatTime(event.wall_ns)}>
        {timeWords(row, times, since)}
      </span>
      <span role="gridcell" class="td arrow">
        {mark.glyph !== '' && (
          <span role="img" aria-label={mark.words} title={mark.words}>
            {mark.glyph}
          </span>
        )}
      </span>
      {hasPipe && !isGap && (
        <span role="gridcell" class="td pipe-name">
          {event.pipe}
        </span>
      )}
      {!isGap && (
        <span role="gridcell" class="td session">
          {sessionWords(row)}
        </span>
      )}
      {!isGap && (
        <span role="gridcell" class="td size num">
          {'size' in event ? formatCount(event.size) : ''}
        </span>
      )}
      <span role="gridcell" class="td words">
        <Words row={row} />
      </span>
    </div>
  );
}
