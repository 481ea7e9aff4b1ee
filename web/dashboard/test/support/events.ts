// Events and hosts for tests.
import type {
  ConnectionHost,
  ConnectionSink,
  ConnectionState,
  SocketCallbacks,
} from '../../src/connection/connection';
import type { GapEvent, PayloadEvent, Snapshot, WireEvent } from '../../src/protocol/event';

export function message(seq: number, more: Partial<PayloadEvent> = {}): PayloadEvent {
  return {
    kind: 'message',
    seq,
    wall_ns: 1_700_000_000_000_000_000 + seq * 1e6,
    mono_ns: seq * 1e6,
    pipe: 'demo',
    session: 1,
    direction: 'c2s',
    size: 5,
    text: 'hello',
    ...more,
  };
}

export function gap(from: number, to: number, reason: GapEvent['reason'] = 'slow'): GapEvent {
  return { kind: 'gap', seq: to, from, to, count: to - from + 1, reason };
}

export function snapshot(run: string, seq: number): Snapshot {
  return { type: 'snapshot', run, seq, version: '1', pipes: [], sessions: [] };
}

/** Sockets and timers that the test moves by hand. */
export class FakeHost implements ConnectionHost {
  readonly opened: { since: string | undefined; callbacks: SocketCallbacks; isClosed: boolean }[] = [];
  readonly timers: { at: number; routine: () => void }[] = [];
  now = 1_000;

  open(since: string | undefined, callbacks: SocketCallbacks): { close(): void } {
    const socket = { since, callbacks, isClosed: false };
    this.opened.push(socket);
    return {
      close() {
        socket.isClosed = true;
      },
    };
  }

  nowMs(): number {
    return this.now;
  }

  random(): number {
    return 0.5;
  }

  startTimer(delayMs: number, routine: () => void): () => void {
    const timer = { at: this.now + delayMs, routine };
    this.timers.push(timer);
    return () => {
      const index = this.timers.indexOf(timer);
      if (index >= 0) this.timers.splice(index, 1);
    };
  }

  pass(ms: number): void {
    this.now += ms;
    for (const timer of this.timers.filter((each) => each.at <= this.now)) {
      this.timers.splice(this.timers.indexOf(timer), 1);
      timer.routine();
    }
  }

  /** The socket that was opened last. */
  get last() {
    const socket = this.opened.at(-1);
    if (socket === undefined) throw new Error('no socket was opened');
    return socket;
  }

  say(frame: unknown): void {
    this.last.callbacks.onMessage(JSON.stringify(frame));
  }

  sayEvents(run: string, events: readonly WireEvent[]): void {
    this.say({ type: 'events', run, events });
  }
}

export class Recorder implements ConnectionSink {
  readonly states: ConnectionState[] = [];
  readonly snapshots: Snapshot[] = [];
  readonly events: WireEvent[] = [];

  onState(state: ConnectionState): void {
    this.states.push(state);
  }

  onSnapshot(frame: Snapshot): void {
    this.snapshots.push(frame);
  }

  onEvents(_run: string, events: readonly WireEvent[]): void {
    this.events.push(...events);
  }

  get state(): ConnectionState | undefined {
    return this.states.at(-1);
  }
}
