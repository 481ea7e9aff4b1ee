// A window onto very many rows of one height: which of them to draw, and how far to push them down.
// The arithmetic is @tanstack/virtual-core's. What it does not know is our two reasons to move the scroll
// position ourselves: following the end, and rows that leave at the front while one reads further down.
import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
} from '@tanstack/virtual-core';
import { useEffect, useLayoutEffect, useReducer, useRef } from 'preact/hooks';

export interface VirtualRowsOptions {
  readonly count: number;
  readonly rowHeight: number;
  /** How many rows have left at the front, ever. */
  readonly dropped: number;
  /** Changes when these are other rows altogether. */
  readonly viewKey: string;
  readonly isFollowing: boolean;
  /** The person has scrolled up. */
  readonly onLetGo: () => void;
  /** Remembers what one looks at, by the rows themselves: when these are other rows now (another filter, back
   *  from another tab), it is looked for among them. */
  readonly anchor?: Anchor;
}

export interface Anchor {
  save(top: number, height: number, rowHeight: number): void;
  /** Where to scroll; null: nothing to go by. */
  load(rowHeight: number): number | null;
}

export interface VirtualRows {
  readonly scrollRef: { current: HTMLDivElement | null };
  readonly first: number;
  /** One past the last row to draw. */
  readonly end: number;
  readonly offset: number;
  readonly totalHeight: number;
  scrollIntoView(index: number): void;
  scrollPages(pages: number): void;
}

const OVERSCAN = 6;

export function useVirtualRows(options: VirtualRowsOptions): VirtualRows {
  const { count, rowHeight, dropped, viewKey, isFollowing } = options;
  const scrollRef = useRef<HTMLDivElement | null>(null);
  const [, redraw] = useReducer((turn: number) => turn + 1, 0);
  const settings = {
    count,
    estimateSize: () => rowHeight,
    getScrollElement: () => scrollRef.current,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    overscan: OVERSCAN,
    onChange: () => redraw(undefined),
  };
  const instance = useRef<Virtualizer<HTMLDivElement, Element> | null>(null);
  instance.current ??= new Virtualizer(settings);
  const virtualizer = instance.current;
  virtualizer.setOptions(settings);

  const last = useRef<LastDraw>({ dropped, viewKey: null, rowHeight, top: 0 });
  if (last.current.rowHeight !== rowHeight) virtualizer.measure();
  const top = nextTop(virtualizer, options, last.current);
  if (top !== null) virtualizer.scrollOffset = top;
  const items = virtualizer.getVirtualItems();

  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => {
    virtualizer._willUpdate();
    const element = scrollRef.current;
    last.current = { dropped, viewKey, rowHeight, top: top ?? last.current.top };
    if (element === null) return;
    if (top !== null) {
      if (Math.abs(element.scrollTop - top) >= 1) element.scrollTop = top;
      last.current.top = element.scrollTop;
    }
    options.anchor?.save(element.scrollTop, element.clientHeight, rowHeight);
  });
  useLetGo(scrollRef, last, isFollowing, options.onLetGo);

  return {
    scrollRef,
    first: items[0]?.index ?? 0,
    end: (items.at(-1)?.index ?? -1) + 1,
    offset: items[0]?.start ?? 0,
    totalHeight: count * rowHeight,
    scrollIntoView: (index) => virtualizer.scrollToIndex(index, { align: 'auto' }),
    scrollPages: (pages) => {
      const element = scrollRef.current;
      if (element !== null) element.scrollTop += pages * (element.clientHeight - rowHeight);
    },
  };
}

interface LastDraw {
  readonly dropped: number;
  /** null: not drawn yet. */
  readonly viewKey: string | null;
  readonly rowHeight: number;
  /** Where we put the scroll position last. */
  top: number;
}

/** Where this draw must put the scroll position; null: it stays. */
function nextTop(
  virtualizer: Virtualizer<HTMLDivElement, Element>,
  { count, rowHeight, dropped, viewKey, isFollowing, anchor }: VirtualRowsOptions,
  last: LastDraw,
): number | null {
  const lowest = Math.max(0, count * rowHeight - (virtualizer.scrollRect?.height ?? 0));
  if (isFollowing) return lowest;
  if (viewKey !== last.viewKey || rowHeight !== last.rowHeight) {
    const place = anchor?.load(rowHeight) ?? null;
    return place === null ? null : Math.max(0, Math.min(lowest, place));
  }
  const left = dropped - last.dropped;
  return left > 0 ? Math.max(0, (virtualizer.scrollOffset ?? 0) - left * rowHeight) : null;
}

/** A scroll position above the one that we set, and not at the end, was set by a person. */
function useLetGo(
  scrollRef: { current: HTMLDivElement | null },
  last: { current: LastDraw },
  isFollowing: boolean,
  onLetGo: () => void,
): void {
  useEffect(() => {
    const element = scrollRef.current;
    if (element === null || !isFollowing) return undefined;
    const onScroll = (): void => {
      const fromEnd = element.scrollHeight - element.clientHeight - element.scrollTop;
      if (element.scrollTop < last.current.top - 1 && fromEnd > 1) onLetGo();
    };
    const onWheel = (event: WheelEvent): void => {
      if (event.deltaY < 0 && element.scrollHeight > element.clientHeight) onLetGo();
    };
    element.addEventListener('scroll', onScroll, { passive: true });
    element.addEventListener('wheel', onWheel, { passive: true });
    return () => {
      element.removeEventListener('scroll', onScroll);
      element.removeEventListener('wheel', onWheel);
    };
  }, [scrollRef, last, isFollowing, onLetGo]);
}
