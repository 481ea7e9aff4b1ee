// The edge of a pane: dragged, or moved by the arrow keys; twice clicked, as it was at first. The width is kept.
import { useEffect, useRef } from 'preact/hooks';
import { useApp } from './context';

interface Props {
  readonly name: 'rail' | 'detail';
  readonly label: string;
  readonly initial: number;
  readonly minimum: number;
  readonly maximum: number;
  /** 1: the pane is at the left of its edge; -1: at the right. */
  readonly side: 1 | -1;
}

const STEP = 16;

export function Splitter({ name, label, initial, minimum, maximum, side }: Props) {
  const { ui } = useApp();
  const element = useRef<HTMLHRElement>(null);
  const width = useRef(initial);
  const apply = (wanted: number): void => {
    width.current = Math.round(Math.min(maximum, Math.max(minimum, wanted)));
    document.documentElement.style.setProperty(`--${name}`, `${width.current}px`);
    element.current?.setAttribute('aria-valuenow', String(width.current));
  };
  const keep = (): void => ui.remember(`width.${name}`, [String(width.current)]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the page begins
  useEffect(() => {
    const kept = Number(ui.recall(`width.${name}`)[0]);
    apply(Number.isFinite(kept) && kept > 0 ? kept : initial);
  }, []);
  const drag = (down: PointerEvent): void => {
    const from = width.current;
    const move = (event: PointerEvent): void => apply(from + side * (event.clientX - down.clientX));
    const end = (): void => {
      removeEventListener('pointermove', move);
      keep();
    };
    addEventListener('pointermove', move);
    addEventListener('pointerup', end, { once: true });
    down.preventDefault();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? STEP : event.key === 'ArrowLeft' ? -STEP : 0;
    if (step === 0) return;
    apply(width.current + side * step);
    keep();
    event.preventDefault();
  };
  return (
    <hr
      ref={element}
      class={`splitter of-${name}`}
      tabIndex={0}
      aria-label={label}
      aria-orientation="vertical"
      aria-valuemin={minimum}
      aria-valuemax={maximum}
      aria-valuenow={initial}
      onPointerDown={drag}
      onKeyDown={onKeyDown}
      onDblClick={() => {
        apply(initial);
        keep();
      }}
    />
  );
}
