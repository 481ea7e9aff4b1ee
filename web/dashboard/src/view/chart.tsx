// A line over the last minutes, by uPlot. It is drawn on a canvas, so its figures are told in words beside it.
import { useEffect, useRef } from 'preact/hooks';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatClock } from '../text/format';

interface Props {
  readonly title: string;
  /** Seconds since 1970, ascending. */
  readonly times: readonly number[];
  readonly values: readonly number[];
  readonly format: (value: number) => string;
}

const HEIGHT = 140;

/** A colour of the theme that holds now. */
const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function optionsOf({ title, format }: Props, width: number): UPlot.Options {
  const axis = {
    stroke: () => colour('--text-3'),
    grid: { stroke: () => colour('--line'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
  };
  return {
    width,
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { size: 6 } },
    scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
    axes: [
      {
        ...axis,
        values: (_, ticks) => ticks.map((tick) => formatClock(tick * 1000)),
        space: 90,
        size: 26,
      },
      { ...axis, values: (_, ticks) => ticks.map((tick) => format(tick)), size: 64 },
    ],
    series: [
      {},
      {
        label: title,
        stroke: () => colour('--accent'),
        fill: () => colour('--accent-soft'),
        width: 1.5,
        points: { show: false },
      },
    ],
  };
}

export function Chart(props: Props) {
  const { title, times, values, format } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot | null>(null);
  const first = useRef(props);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const drawn = new UPlot(optionsOf(first.current, element.clientWidth), [[], []], element);
    plot.current = drawn;
    const watcher = new ResizeObserver(() => {
      drawn.setSize({ width: element.clientWidth, height: HEIGHT });
    });
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      drawn.destroy();
    };
  }, []);
  useEffect(() => {
    plot.current?.setData([[...times], [...values]]);
  }, [times, values]);
  const last = values.at(-1);
  const words = last === undefined ? title : `${title}: ${format(last)}`;
  return (
    <figure class="chart">
      <figcaption>
        {title} <strong class="num">{last === undefined ? '' : format(last)}</strong>
      </figcaption>
      <div ref={place} role="img" aria-label={words} />
    </figure>
  );
}
