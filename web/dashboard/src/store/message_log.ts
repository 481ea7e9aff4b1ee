// The last rows, in bounded memory: at most `maxRows`, weighing at most `maxBytes`. The oldest leave first.
import type { WireEvent } from '../protocol/event';
import { Deque } from './deque';
import { type Row, weight } from './row';

export interface LogLimits {
  readonly maxRows: number;
  readonly maxBytes: number;
}

export const logLimits: LogLimits = { maxRows: 200_000, maxBytes: 128 * 1024 * 1024 };

export class MessageLog {
  readonly rows = new Deque<Row>();
  #bytes = 0;
  #nextId = 0;

  constructor(private readonly limits: LogLimits = logLimits) {}

  /** Rows below this id have left. */
  get firstId(): number {
    return this.#nextId - this.rows.length;
  }

  append(run: string, event: WireEvent, peerName: string, openedWallNs: number): Row {
    const row: Row = { id: this.#nextId++, run, event, peerName, openedWallNs };
    this.rows.push(row);
    this.#bytes += weight(event);
    while (this.rows.length > 1 && this.#isOver()) {
      const oldest = this.rows.shift();
      if (oldest !== undefined) this.#bytes -= weight(oldest.event);
    }
    return row;
  }

  #isOver(): boolean {
    return this.rows.length > this.limits.maxRows || this.#bytes > this.limits.maxBytes;
  }
}
