// Rates out of counters that the service gives once a second or so. Pure: time comes as an argument.

export interface Sample {
  readonly messages: number;
  readonly bytes: number;
}

const HISTORY = 60;

/** One counter pair and its last minute. */
export class Rate {
  messagesPerSecond = 0;
  bytesPerSecond = 0;
  /** Messages per second, oldest first, at most 60. */
  readonly history: number[] = [];
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
    this.history.push(this.messagesPerSecond);
    if (this.history.length > HISTORY) this.history.shift();
  }

  /** The service is out of reach: nothing is known of now. */
  forget(): void {
    this.messagesPerSecond = 0;
    this.bytesPerSecond = 0;
    this.#last = null;
  }
}
