// What a gap left out, fetched from what the service still holds.
import { useState } from 'preact/hooks';
import { api } from '../connection/api';
import { preview } from '../payload/preview';
import { isEvent } from '../protocol/decode';
import type { GapEvent, WireEvent } from '../protocol/event';
import type { Row } from '../store/row';
import { en } from '../text/en';
import { formatTime } from '../text/format';
import { useApp } from './context';
import { markOf } from './message_row';

interface Fetched {
  readonly rows: readonly Row[];
  readonly missing: number;
  /** Where the next page begins; null: that was all. */
  readonly next: string | null;
  readonly problem: string;
}

const nothing: Fetched = { rows: [], missing: 0, next: null, problem: '' };

const words = (event: WireEvent): string =>
  event.kind === 'message' || event.kind === 'injected' ? preview(event).text : event.kind;

/** They are rows of no table: an id below all of them. */
let lastId = 0;

export function GapEvents({ gap, run }: { gap: GapEvent; run: string }) {
  const { store, ui } = useApp();
  const [fetched, setFetched] = useState<Fetched | null>(null);
  const [isFetching, setFetching] = useState(false);
  const fetchFrom = async (since: string): Promise<void> => {
    const before = fetched ?? nothing;
    setFetching(true);
    const answer = await api.history(since, `${run}:${gap.to}`);
    setFetching(false);
    if (!answer.ok) {
      setFetched({ ...before, problem: en.composer.problem(answer.problem) });
      return;
    }
    const events = answer.value.events.filter(isEvent);
    const rows = events
      .filter((event) => event.kind !== 'gap')
      .map((event): Row => {
        lastId -= 1;
        const peerName = store.sessions.get(event.session)?.info.peer.name ?? '';
        return { id: lastId, run, event, peerName, openedWallNs: 0 };
      });
    const gone = events.filter((event) => event.kind === 'gap');
    setFetched({
      rows: [...before.rows, ...rows],
      missing: before.missing + gone.reduce((sum, event) => sum + event.count, 0),
      next: answer.value.next,
      problem: '',
    });
  };
  return (
    <div class="fetched">
      <p class="note" role="status">
        {fetched === null ? '' : en.detail.fetched(fetched.rows.length, fetched.missing)}
      </p>
      {fetched?.rows.map((row) => (
        <button key={row.id} type="button" class="row mono" onClick={() => ui.select(row)}>
          <span class="faint num">{row.event.kind === 'gap' ? '' : formatTime(row.event.wall_ns)}</span>{' '}
          {markOf(row.event).glyph} {words(row.event)}
        </button>
      ))}
      {fetched !== null && fetched.problem !== '' && <p class="note bad">{fetched.problem}</p>}
      {(fetched === null || fetched.next !== null || fetched.problem !== '') && (
        <p class="note">
          <button
            type="button"
            class="btn"
            disabled={isFetching}
            onClick={() => void fetchFrom(fetched?.next ?? `${run}:${gap.from - 1}`)}
          >
            {isFetching
              ? en.detail.fetching
              : fetched === null
                ? en.detail.fetch(gap.count)
                : en.detail.fetchMore}
          </button>
        </p>
      )}
    </div>
  );
}
