// Rates out of counters that the service gives once a second or so. Pure: time comes as an argument.

export interface Sample {
  readonly messages: number;
  readonly bytes: number;
}

const HISTORY = 300;

export interface Point {
  readonly atMs: number;
  readonly messages: number;
  readonly bytes: number;
}

/** One counter pair and its last minutes. */
export class Rate {
  messagesPerSecond = 0;
  bytesPerSecond = 0;
  /** Per second, oldest first, at most 300. */
  readonly history: Point[] = [];
  #last: Sample | null = null;
  #lastMs = 0;

  add(sample: Sample, nowMs: number): void {
    const last = this.#last;
    const seconds = (nowMs - this.#lastMs) / 1000;
    if (last !== null && seconds < 0.05) return;
    this.#last = sample;
    this.#lastMs = nowMs;
    // Counters that go back belong to another run: there is nothing to compare with.
    if (last === null || sample.messages < last.messages || sample.bytes < last.bytes) return;
    this.messagesPerSecond = (sample.messages - last.messages) / seconds;
    this.bytesPerSecond = (sample.bytes - last.bytes) / seconds;
    this.history.push({
      atMs: nowMs,
      messages: this.messagesPerSecond,
      bytes: this.bytesPerSecond,
    });
    if (this.history.length > HISTORY) this.history.shift();
  }

  /** The service is out of reach: nothing is known of now. */
  forget(): void {
    this.messagesPerSecond = 0;
    this.bytesPerSecond = 0;
    this.#last = null;
  }
}
