// A row of the message table: an event, and what the page knew of its session when it came.
import { type PeerOf, type Predicate, Subject } from '../filter/subject';
import type { WireEvent } from '../protocol/event';

export interface Row {
  /** +1 per row of this page's life; never used twice. */
  readonly id: number;
  readonly run: string;
  readonly event: WireEvent;
  /** Name of the session's process; '' where unknown. */
  readonly peerName: string;
  /** `closed`: when the session had opened; else 0. */
  readonly openedWallNs: number;
  /** The message that this one answers, and the one that answers it, where their ids tell. */
  answers?: Row;
  answeredBy?: Row;
}

/** What is looked at. `session` implies `pipe`. */
export interface Filter {
  readonly pipe: string | null;
  readonly session: number | null;
  /** What else must hold; null: nothing. */
  readonly passes: Predicate | null;
}

export const everything: Filter = { pipe: null, session: null, passes: null };

/** A gap belongs to every view: nobody knows what was in it. What went to the whole pipe belongs to each of
 *  its sessions. */
export function matches(filter: Filter, event: WireEvent, peerOf: PeerOf): boolean {
  if (event.kind === 'gap') return true;
  if (filter.pipe !== null && event.pipe !== filter.pipe) return false;
  if (filter.session !== null && event.session !== filter.session && event.session !== 0) return false;
  return filter.passes === null || filter.passes(new Subject(event, peerOf)) > 0;
}

/** What a row weighs in memory, roughly; the log's limit counts it. */
export function weight(event: WireEvent): number {
  const text = 'text' in event ? event.text : 'base64' in event ? event.base64 : undefined;
  return 300 + (text === undefined ? 0 : text.length * 2);
}
