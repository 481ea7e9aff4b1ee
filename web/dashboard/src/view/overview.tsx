// A pipe, or all of them, at a glance: what goes through, what is wrong, how it is set up.
import { useMemo } from 'preact/hooks';
import type { PipeInfo } from '../protocol/event';
import type { Rate } from '../store/rates';
import type { Pipe } from '../store/store';
import { en } from '../text/en';
import { formatBytes, formatCount, formatRate } from '../text/format';
import { Chart } from './chart';
import { useApp, useTopics } from './context';

const bytesPerSecond = (value: number): string => `${formatBytes(value)}/s`;

/** `version` grows with each sample: the history is one list that changes. */
function Charts({ rate, version }: { rate: Rate; version: number }) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list stays the same one
  const { times, messages, bytes } = useMemo(
    () => ({
      times: rate.history.map(({ atMs }) => atMs / 1000),
      messages: rate.history.map((point) => point.messages),
      bytes: rate.history.map((point) => point.bytes),
    }),
    [rate, version],
  );
  if (times.length < 2) return <p class="note">{en.overview.waiting}</p>;
  return (
    <div class="charts">
      <Chart title={en.overview.messages} times={times} values={messages} format={formatRate} />
      <Chart title={en.overview.bytes} times={times} values={bytes} format={bytesPerSecond} />
    </div>
  );
}

function PipeRow({ pipe }: { pipe: Pipe }) {
  const { ui } = useApp();
  const { info, rate } = pipe;
  const dropped = info.dropped?.messages ?? 0;
  return (
    <tr>
      <th scope="row">
        <button
          type="button"
          class="link-button"
          onClick={() => ui.go({ pipe: info.name, session: null })}
        >
          {info.name}
        </button>
        <div class="faint mono path">{info.path}</div>
      </th>
      <td>{en.detail.pipeKind(info)}</td>
      <td class="num">{formatCount(info.sessions)}</td>
      <td class="num">{en.overview.rate(rate.messagesPerSecond, rate.bytesPerSecond)}</td>
      <td class="num">{en.overview.traffic(info.c2s.messages, info.c2s.bytes)}</td>
      <td class="num">{en.overview.traffic(info.s2c.messages, info.s2c.bytes)}</td>
      <td class="num">{formatCount(info.injected)}</td>
      <td class={`num ${info.errors > 0 ? 'bad' : ''}`}>{formatCount(info.errors)}</td>
      <td class={`num ${dropped > 0 ? 'warn' : ''}`}>{formatCount(dropped)}</td>
    </tr>
  );
}

function PipeList({ pipes }: { pipes: readonly Pipe[] }) {
  const { columns } = en.overview;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a wide table scrolls by keyboard too
    <div class="pipe-list" role="region" aria-label={en.overview.label} tabIndex={0}>
      <table>
        <thead>
          <tr>
            {Object.values(columns).map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {pipes.map((pipe) => (
            <PipeRow key={pipe.info.name} pipe={pipe} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Facts({ info }: { info: PipeInfo }) {
  const { store } = useApp();
  const { facts } = en.overview;
  const list: readonly (readonly [string, string | undefined])[] = [
    [facts.path, info.path],
    [facts.upstream, info.upstream],
    [facts.role, info.role],
    [facts.transport, `${info.transport} · ${info.access}`],
    [facts.mode, info.mode],
    [facts.framing, info.mode === 'byte' ? info.framing : undefined],
    [facts.reply, info.reply],
    [facts.sessions, formatCount(info.sessions)],
    [facts.total, formatCount(info.sessions_total)],
    [facts.run, store.run],
    [facts.version, store.version],
  ];
  return (
    <dl class="facts">
      {list.map(([name, value]) =>
        value === undefined ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd class="mono">{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

export function Overview() {
  const { store, ui } = useApp();
  useTopics(store.pipesTopic, ui.topic);
  const pipe = store.pipe(ui.route.pipe);
  const { version } = store.pipesTopic;
  return (
    <div class="overview">
      <Charts key={ui.route.pipe} rate={pipe?.rate ?? store.total} version={version} />
      <PipeList pipes={pipe === undefined ? store.pipes : [pipe]} />
      {pipe !== undefined && <Facts info={pipe.info} />}
    </div>
  );
}
