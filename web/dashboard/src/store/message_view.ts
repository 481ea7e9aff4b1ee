// What the table shows of the log: the rows that match a filter, standing still while paused.
// A paused view keeps its rows even when the log lets them go, so memory is at most twice the log's.
import type { PeerOf } from '../filter/subject';
import { Deque } from './deque';
import type { MessageLog } from './message_log';
import { everything, type Filter, matches, type Row } from './row';

export class MessageView {
  filter: Filter = everything;
  /** +1 whenever other rows are shown. */
  generation = 0;
  #rows = new Deque<Row>();
  #paused: readonly Row[] | null = null;
  #pausedDropped = 0;
  /** Rows that came since the pause. */
  waiting = 0;

  constructor(
    private readonly log: MessageLog,
    private readonly peerOf: PeerOf,
  ) {}

  get isPaused(): boolean {
    return this.#paused !== null;
  }

  get count(): number {
    return this.#paused?.length ?? this.#rows.length;
  }

  /** Rows of this view that left at the front since the filter was set: what holds a place in the table. */
  get dropped(): number {
    return this.#paused === null ? this.#rows.dropped : this.#pausedDropped;
  }

  at(index: number): Row | undefined {
    return this.#paused === null ? this.#rows.at(index) : this.#paused[index];
  }

  /** Position of the row with this id, or of the next one after it. Ids grow, so halving finds it. */
  indexOf(id: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.at(middle)?.id ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  setFilter(filter: Filter): void {
    this.filter = filter;
    this.generation += 1;
    this.#rows = new Deque();
    const all = this.log.rows;
    for (let index = 0; index < all.length; index++) {
      const row = all.at(index);
      if (row !== undefined && matches(filter, row.event, this.peerOf)) this.#rows.push(row);
    }
    this.resume();
  }

  /** The log has taken a row. */
  add(row: Row): void {
    if (matches(this.filter, row.event, this.peerOf)) {
      this.#rows.push(row);
      if (this.#paused !== null) this.waiting += 1;
    }
    const firstId = this.log.firstId;
    for (
      let oldest = this.#rows.at(0);
      oldest !== undefined && oldest.id < firstId;
      oldest = this.#rows.at(0)
    ) {
      this.#rows.shift();
    }
  }

  pause(): void {
    if (this.#paused !== null) return;
    this.#pausedDropped = this.#rows.dropped;
    this.#paused = this.#rows.toArray();
    this.waiting = 0;
  }

  resume(): void {
    this.#paused = null;
    this.waiting = 0;
  }
}
