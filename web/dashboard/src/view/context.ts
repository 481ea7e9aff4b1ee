// What every view can reach, and how it listens.
import { createContext } from 'preact';
import { useContext, useEffect, useReducer } from 'preact/hooks';
import type { Connection } from '../connection/connection';
import type { Poller } from '../connection/poller';
import type { Draft } from '../store/draft';
import type { Store } from '../store/store';
import type { Topic } from '../store/topic';
import type { Ui } from '../store/ui';

export interface App {
  readonly store: Store;
  readonly ui: Ui;
  readonly draft: Draft;
  readonly connection: Connection;
  readonly poller: Poller;
}

export const AppContext = createContext<App | null>(null);

export function useApp(): App {
  const app = useContext(AppContext);
  if (app === null) throw new Error('a view outside of the app');
  return app;
}

/** Draws the component again when one of the topics has changed: at most once a frame. */
export function useTopics(...topics: readonly Topic[]): void {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a component's topics stay the same for its life
  useEffect(() => {
    const stops = topics.map((topic) => topic.subscribe(() => redraw(undefined)));
    return () => {
      for (const stop of stops) stop();
    };
  }, []);
}

export function useMedia(query: string): boolean {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const media = matchMedia(query);
    const listener = (): void => redraw(undefined);
    media.addEventListener('change', listener);
    return () => media.removeEventListener('change', listener);
  }, [query]);
  return matchMedia(query).matches;
}

/** The time, drawn again every `periodMs` while `isTicking`. */
export function useNow(isTicking: boolean, periodMs: number): number {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    if (!isTicking) return undefined;
    const id = setInterval(() => redraw(undefined), periodMs);
    return () => clearInterval(id);
  }, [isTicking, periodMs]);
  return Date.now();
}

/** The widths of the design. */
export const narrow = '(max-width: 799px)';
export const tooNarrowForSessions = '(max-width: 1099px)';
