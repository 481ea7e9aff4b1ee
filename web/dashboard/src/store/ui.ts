// What the person has chosen: where they are, what is selected, how it looks. Habits (theme, composer) are
// kept by the browser; the place is kept in the address.
import type { Target } from '../connection/api';
import { type PayloadMode, payloadModes } from '../payload/formats';
import type { Direction } from '../protocol/event';
import { formatRoute, parseRoute, type Route } from './route';
import type { Row } from './row';
import type { SessionColumn, SessionSort } from './sessions';
import { type FrameScheduler, Topic } from './topic';

export type Theme = 'system' | 'light' | 'dark';
/** On a small screen one of these is seen at a time. */
export type Page = 'pipes' | 'list' | 'message' | 'send';

export interface UiHost {
  readonly hash: string;
  setHash(hash: string): void;
  /** As setHash, without a step for the browser's "back". */
  replaceHash(hash: string): void;
  load(key: string): string | null;
  save(key: string, value: string): void;
  applyTheme(theme: Theme): void;
  applyDensity(density: Density): void;
}

/** `pipe`: null adds one. */
export type Dialog = 'palette' | 'help' | { readonly pipe: string | null };

/** How the table tells time: of the day here, in UTC, since the selected row, since the row above. */
export type TimeMode = 'clock' | 'utc' | 'since' | 'delta';
const timeModes: readonly TimeMode[] = ['clock', 'utc', 'since', 'delta'];

const MAX_PINNED = 200;
/** Pixels of a row of messages; style/tokens.css has them too. */
export const rowHeights = { normal: 25, compact: 21, relaxed: 30 } as const;
export type Density = keyof typeof rowHeights;
const densities: readonly Density[] = ['normal', 'compact', 'relaxed'];
const themes: readonly Theme[] = ['system', 'light', 'dark'];

export class Ui {
  readonly topic: Topic;
  route: Route;
  selected: Row | null = null;
  isFollowing = true;
  theme: Theme;
  isComposerOpen: boolean;
  /** What the composer sends to; null: as the place suggests. */
  target: Target | null = null;
  /** Which way it sends into a tap. */
  direction: Direction = 'c2s';
  /** How the payloads of a pipe are shown where one has chosen; else as the payload suggests. */
  #pinned: ReadonlyMap<string, PayloadMode>;
  page: Page = 'list';
  sessionSort: SessionSort = { column: 'session', isDescending: false };
  times: TimeMode;
  density: Density;
  /** What lies over the page. */
  dialog: Dialog | null = null;
  /** The message that others are compared with. */
  compared: Row | null = null;
  /** The row that one looks at in the table, and how far below its top edge it stands. */
  anchor: { readonly id: number; readonly y: number } | null = null;

  constructor(
    scheduler: FrameScheduler,
    private readonly host: UiHost,
    private readonly onRoute: (route: Route) => void,
  ) {
    this.topic = new Topic(scheduler);
    this.route = parseRoute(host.hash);
    this.theme = themes.find((theme) => theme === host.load('theme')) ?? 'system';
    this.isComposerOpen = host.load('composer') !== 'closed';
    this.times = timeModes.find((mode) => mode === host.load('times')) ?? 'clock';
    this.density = densities.find((density) => density === host.load('density')) ?? 'normal';
    host.applyDensity(this.density);
    this.#pinned = this.#loadPinned();
    host.applyTheme(this.theme);
    onRoute(this.route);
  }

  go(change: Partial<Route>): void {
    const route = { ...this.route, ...change };
    if (route.pipe !== this.route.pipe) this.target = null;
    if (formatRoute(route) !== formatRoute(this.route)) this.host.setHash(formatRoute(route));
    this.#arrive(route);
  }

  /** What is typed into the filter: each letter would be a step back otherwise. */
  setQuery(query: string): void {
    const route = { ...this.route, query };
    this.host.replaceHash(formatRoute(route));
    this.#arrive(route);
  }

  /** The address has changed (a link, back, forward). */
  hashChanged(): void {
    const route = parseRoute(this.host.hash);
    if (formatRoute(route) !== formatRoute(this.route)) this.#arrive(route);
  }

  select(row: Row | null): void {
    this.selected = row;
    this.topic.changed();
  }

  setFollowing(isFollowing: boolean): void {
    if (this.isFollowing === isFollowing) return;
    this.isFollowing = isFollowing;
    this.topic.changed();
  }

  setTarget(target: Target | null): void {
    this.target = target;
    this.topic.changed();
  }

  setDirection(direction: Direction): void {
    this.direction = direction;
    this.topic.changed();
  }

  pinned(pipe: string): PayloadMode | null {
    return this.#pinned.get(pipe) ?? null;
  }

  /** null: as the payload suggests. */
  pin(pipe: string, mode: PayloadMode | null): void {
    const others = [...this.#pinned].filter(([name]) => name !== pipe);
    if (mode !== null) others.unshift([pipe, mode]);
    this.#pinned = new Map(others.slice(0, MAX_PINNED));
    this.remember(
      'modes',
      [...this.#pinned].map(([name, each]) => `${each} ${name}`),
    );
    this.topic.changed();
  }

  #loadPinned(): ReadonlyMap<string, PayloadMode> {
    const pinned = new Map<string, PayloadMode>();
    for (const line of this.recall('modes')) {
      const space = line.indexOf(' ');
      const mode = payloadModes.find((each) => each === line.slice(0, space));
      if (mode !== undefined) pinned.set(line.slice(space + 1), mode);
    }
    return pinned;
  }

  setPage(page: Page): void {
    this.page = page;
    this.topic.changed();
  }

  /** A list of texts that the browser keeps for this page. */
  recall(key: string): string[] {
    try {
      const value: unknown = JSON.parse(this.host.load(key) ?? '[]');
      return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
    } catch {
      return []; // somebody else wrote there
    }
  }

  remember(key: string, list: readonly string[]): void {
    this.host.save(key, JSON.stringify(list));
  }

  /** Again by the same column: the other way round. */
  sortSessions(column: SessionColumn): void {
    const was = this.sessionSort;
    this.sessionSort = { column, isDescending: was.column === column && !was.isDescending };
    this.topic.changed();
  }

  setDialog(dialog: Dialog | null): void {
    this.dialog = dialog;
    this.topic.changed();
  }

  nextTimes(): void {
    this.times = timeModes[(timeModes.indexOf(this.times) + 1) % timeModes.length] ?? 'clock';
    this.host.save('times', this.times);
    this.topic.changed();
  }

  nextDensity(): void {
    this.density = densities[(densities.indexOf(this.density) + 1) % densities.length] ?? 'normal';
    this.host.save('density', this.density);
    this.host.applyDensity(this.density);
    this.topic.changed();
  }

  setCompared(row: Row | null): void {
    this.compared = row;
    this.topic.changed();
  }

  nextTheme(): void {
    this.theme = themes[(themes.indexOf(this.theme) + 1) % themes.length] ?? 'system';
    this.host.save('theme', this.theme);
    this.host.applyTheme(this.theme);
    this.topic.changed();
  }

  setComposerOpen(isOpen: boolean): void {
    this.isComposerOpen = isOpen;
    this.host.save('composer', isOpen ? 'open' : 'closed');
    this.topic.changed();
  }

  #arrive(route: Route): void {
    this.route = route;
    this.onRoute(route);
    this.topic.changed();
  }
}
