// Follows the numbers of the stream, so that the page knows where to resume and notices a hole that nobody
// told of. Pure.
import type { GapEvent, WireEvent } from './event';

export class Sequence {
  run = '';
  /** The last event seen (or told missing) of `run`. */
  last = 0;

  /** Begins at event `seq` of `run`: what came before is not expected. */
  begin(run: string, seq: number): void {
    this.run = run;
    this.last = seq;
  }

  /** For the `since` of the next connection; undefined if nothing was seen yet. */
  get since(): string | undefined {
    return this.run === '' ? undefined : `${this.run}:${this.last}`;
  }

  /** Returns what is to be shown of `events`: without those seen before, with a gap where one is missing. */
  accept(run: string, events: readonly WireEvent[]): WireEvent[] {
    const out: WireEvent[] = [];
    if (run !== this.run) {
      // The service tells of another run by a gap of its own; numbers begin anew.
      this.run = run;
      this.last = 0;
    }
    for (const event of events) {
      const isRunGap = event.kind === 'gap' && event.reason === 'run';
      if (isRunGap) this.last = 0;
      else if (event.seq <= this.last) continue;
      const first = event.kind === 'gap' && !isRunGap ? event.from : event.seq;
      if (!isRunGap && first > this.last + 1) out.push(hole(this.last + 1, first - 1));
      out.push(event);
      this.last = event.seq;
    }
    return out;
  }
}

function hole(from: number, to: number): GapEvent {
  return { kind: 'gap', seq: to, from, to, count: to - from + 1, reason: 'untold' };
}
