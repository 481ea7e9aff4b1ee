// Who must be drawn again, and when. A topic is something that changes (the messages, the pipes, …); views
// listen to topics. However often a topic changes, its listeners hear of it once per animation frame.

export type Listener = () => void;

export class FrameScheduler {
  readonly #dirty = new Set<Topic>();
  #isScheduled = false;

  /** `requestFrame` calls back before the next paint; tests give one that they step by hand. */
  constructor(private readonly requestFrame: (routine: () => void) => void) {}

  mark(topic: Topic): void {
    this.#dirty.add(topic);
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.requestFrame(() => this.#flush());
  }

  #flush(): void {
    this.#isScheduled = false;
    const topics = [...this.#dirty];
    this.#dirty.clear();
    const listeners = new Set<Listener>();
    for (const topic of topics) for (const listener of topic.listeners) listeners.add(listener);
    for (const listener of listeners) listener();
  }
}

export class Topic {
  readonly listeners = new Set<Listener>();
  /** Grows with each change. */
  version = 0;

  constructor(private readonly scheduler: FrameScheduler) {}

  changed(): void {
    this.version += 1;
    this.scheduler.mark(this);
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
