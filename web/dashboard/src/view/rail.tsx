// The list of pipes at the left: where to look.

import type { Point } from '../store/rates';
import type { Pipe } from '../store/store';
import { en } from '../text/en';
import { formatCount, formatRate } from '../text/format';
import { useApp, useTopics } from './context';
import { memo } from './memo';
import { SavedFilters } from './saved_filters';
import { Splitter } from './splitter';

const WIDTH = 56;
const HEIGHT = 14;

/** The last minute; the newest at the right edge. */
function Sparkline({ history, label }: { history: readonly Point[]; label: string }) {
  const values = history.slice(-60).map(({ messages }) => messages);
  const highest = Math.max(...values);
  if (values.length < 2 || highest === 0) return null;
  const points = values
    .map((value, index) => {
      const x = WIDTH - ((values.length - 1 - index) * WIDTH) / 59;
      const y = HEIGHT - 1.5 - (value / highest) * (HEIGHT - 3);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(' ');
  return (
    <svg class="spark" width={WIDTH} height={HEIGHT} role="img" aria-label={label}>
      <polyline points={points} />
    </svg>
  );
}

interface EntryProps {
  readonly name: string;
  readonly isCurrent: boolean;
  readonly dot: string;
  readonly figure: string;
  readonly onSelect: () => void;
  readonly children?: preact.ComponentChildren;
}

function Entry({ name, isCurrent, dot, figure, onSelect, children }: EntryProps) {
  return (
    <li>
      <button
        type="button"
        class="pipe"
        aria-current={isCurrent ? 'page' : undefined}
        onClick={onSelect}
      >
        <span class={`dot ${dot}`} />
        <span class="name" title={name}>
          {name}
        </span>
        <span class="num dim">{figure}</span>
        {children}
      </button>
    </li>
  );
}

interface PipeEntryProps {
  readonly pipe: Pipe;
  readonly isCurrent: boolean;
  readonly isLive: boolean;
  readonly onSelect: () => void;
}

function PipeEntry({ pipe, isCurrent, isLive, onSelect }: PipeEntryProps) {
  const { info, rate } = pipe;
  const dot = isLive && info.sessions > 0 ? 'good' : 'off';
  return (
    <Entry
      name={info.name}
      isCurrent={isCurrent}
      dot={dot}
      figure={isLive ? formatRate(rate.messagesPerSecond) : en.none}
      onSelect={onSelect}
    >
      <span class="sub">
        <span class="chip">{info.role}</span>
        <span class="num">
          {info.connection?.connected === false ? en.rail.away : en.rail.sessions(info.sessions)}
        </span>
        {info.errors > 0 && <span class="bad num">{en.rail.errors(info.errors)}</span>}
        <Sparkline history={rate.history} label={en.rail.spark(info.name)} />
      </span>
    </Entry>
  );
}

export const Rail = memo(function Rail() {
  const { store, ui } = useApp();
  useTopics(store.pipesTopic, store.connectionTopic, ui.topic);
  const isLive = store.connection.kind === 'live';
  const select = (pipe: string | null) => (): void => {
    ui.go({ pipe, session: null });
    ui.setPage('list');
  };
  return (
    <nav class="rail" aria-label={en.rail.title}>
      <div class="rail-head">
        <h2>{en.rail.title}</h2>
        <button
          type="button"
          class="btn quiet"
          aria-label={en.pipeForm.add}
          title={en.pipeForm.add}
          onClick={() => ui.setDialog({ pipe: null })}
        >
          +
        </button>
      </div>
      <ul>
        <Entry
          name={en.allPipes}
          isCurrent={ui.route.pipe === null}
          dot={isLive && store.pipes.some((pipe) => pipe.info.sessions > 0) ? 'good' : 'off'}
          figure={formatCount(store.pipes.length)}
          onSelect={select(null)}
        />
        {store.pipes.map((pipe) => (
          <PipeEntry
            key={pipe.info.name}
            pipe={pipe}
            isLive={isLive}
            isCurrent={ui.route.pipe === pipe.info.name}
            onSelect={select(pipe.info.name)}
          />
        ))}
      </ul>
      {store.isKnown && store.pipes.length === 0 && <p class="note">{en.rail.noPipes}</p>}
      <SavedFilters />
      <Splitter name="rail" label={en.panes.rail} initial={248} minimum={160} maximum={480} side={1} />
    </nav>
  );
});
