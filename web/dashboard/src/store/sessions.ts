// The sessions that the page knows: those that are open, and the last ones that closed, so that their rows
// keep their names. Bounded: the open ones by the service's own limit and ours, the closed ones by ours.
import type { ClosedEvent, OpenedEvent, SessionInfo } from '../protocol/event';

export interface Session {
  readonly info: SessionInfo;
  /** Whether the service has given its counters; an opening brings none. */
  readonly isCounted: boolean;
  /** null while open. */
  readonly closed: { readonly wallNs: number; readonly reason: string; readonly status: string } | null;
}

export type SessionColumn = 'session' | 'pipe' | 'process' | 'ids' | 'since' | 'c2s' | 's2c' | 'state';
export interface SessionSort {
  readonly column: SessionColumn;
  readonly isDescending: boolean;
}

const words = (one: string, other: string): number => one.localeCompare(other, 'en', { numeric: true });
const comparisons: Readonly<Record<SessionColumn, (a: Session, b: Session) => number>> = {
  session: (a, b) => a.info.id - b.info.id,
  pipe: (a, b) => words(a.info.pipe, b.info.pipe),
  process: (a, b) => words(a.info.peer.name, b.info.peer.name),
  ids: (a, b) => a.info.peer.pid - b.info.peer.pid,
  since: (a, b) => a.info.opened_wall_ns - b.info.opened_wall_ns,
  c2s: (a, b) => a.info.c2s.bytes - b.info.c2s.bytes,
  s2c: (a, b) => a.info.s2c.bytes - b.info.s2c.bytes,
  state: (a, b) => (a.closed?.wallNs ?? 0) - (b.closed?.wallNs ?? 0),
};

const MAX_OPEN = 100_000;
const MAX_CLOSED = 500;

export class Sessions {
  readonly open = new Map<number, Session>();
  /** Oldest first. */
  readonly closed = new Map<number, Session>();
  /** Open ones that the last list did not name: it may be older than the event that opened them. */
  #unnamed = new Set<number>();

  get(id: number): Session | undefined {
    return this.open.get(id) ?? this.closed.get(id);
  }

  /** Another run numbers its sessions anew. */
  clear(): void {
    this.open.clear();
    this.closed.clear();
  }

  opened(event: OpenedEvent): void {
    if (this.open.has(event.session) || this.open.size >= MAX_OPEN) return;
    const none = { messages: 0, bytes: 0 };
    this.open.set(event.session, {
      info: {
        id: event.session,
        pipe: event.pipe,
        opened_wall_ns: event.wall_ns,
        peer: event.peer,
        c2s: none,
        s2c: none,
      },
      isCounted: false,
      closed: null,
    });
  }

  ended(event: ClosedEvent): void {
    const session = this.open.get(event.session);
    if (session === undefined) return;
    this.open.delete(event.session);
    this.#keepClosed({
      ...session,
      closed: { wallNs: event.wall_ns, reason: event.reason, status: event.status },
    });
  }

  /** The service's list: all that are open (of `pipe`, or of all). What it twice does not name has closed
   *  unseen. */
  replace(pipe: string | null, list: readonly SessionInfo[]): void {
    const named = new Set<number>();
    for (const info of list) {
      named.add(info.id);
      if (!this.closed.has(info.id) && (this.open.has(info.id) || this.open.size < MAX_OPEN)) {
        this.open.set(info.id, { info, isCounted: true, closed: null });
      }
    }
    const unnamed = new Set<number>();
    for (const [id, session] of this.open) {
      if (named.has(id) || (pipe !== null && session.info.pipe !== pipe)) continue;
      if (this.#unnamed.has(id)) this.open.delete(id);
      else unnamed.add(id);
    }
    this.#unnamed = unnamed;
  }

  /** As `ofPipe`, sorted. */
  sorted(pipe: string | null, { column, isDescending }: SessionSort): Session[] {
    const compare = comparisons[column];
    const sign = isDescending ? -1 : 1;
    return this.ofPipe(pipe).sort((a, b) => sign * compare(a, b) || a.info.id - b.info.id);
  }

  ofPipe(pipe: string | null): Session[] {
    const all = [...this.open.values(), ...this.closed.values()];
    const mine = pipe === null ? all : all.filter((session) => session.info.pipe === pipe);
    return mine.sort((a, b) => a.info.id - b.info.id);
  }

  #keepClosed(session: Session): void {
    this.closed.set(session.info.id, session);
    if (this.closed.size <= MAX_CLOSED) return;
    const oldest = this.closed.keys().next();
    if (!oldest.done) this.closed.delete(oldest.value);
  }
}
