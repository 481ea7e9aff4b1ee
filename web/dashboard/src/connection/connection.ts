// The event stream: one WebSocket, kept alive. Decodes, follows the sequence, reconnects and resumes.
// It touches neither DOM nor clock: the host gives sockets and timers (tests give false ones).
//
// The way of success: connecting → snapshot → live. On the very first connection the snapshot tells how far
// the run is, and the page connects once more to have the last `history` events too.
// Failures: the socket closes or says what we cannot read → waiting (countdown) → connecting with since=RUN:SEQ.
import { decodeFrame } from '../protocol/decode';
import type { GapEvent, Snapshot, WireEvent } from '../protocol/event';
import { Sequence } from '../protocol/sequence';
import { backoffMs } from './backoff';

export type ConnectionState =
  | { readonly kind: 'connecting'; readonly lostAtMs: number | null }
  | { readonly kind: 'live' }
  | {
      readonly kind: 'waiting';
      readonly lostAtMs: number;
      readonly retryAtMs: number;
      readonly why: string;
    };

export interface SocketCallbacks {
  onMessage(text: string): void;
  onClose(code: number, reason: string): void;
}

export interface ConnectionHost {
  /** Opens the event stream; `since` as in the protocol. Callbacks never come from inside this call. */
  open(since: string | undefined, callbacks: SocketCallbacks): { close(): void };
  nowMs(): number;
  random(): number;
  startTimer(delayMs: number, routine: () => void): () => void;
}

export interface ConnectionSink {
  onState(state: ConnectionState): void;
  onSnapshot(snapshot: Snapshot): void;
  onEvents(run: string, events: readonly WireEvent[]): void;
}

/** A snapshot must have come by then. */
const OPEN_TIMEOUT_MS = 10_000;

export class Connection {
  readonly #sequence = new Sequence();
  #socket: { close(): void } | null = null;
  #stopTimer: (() => void) | null = null;
  #generation = 0;
  #attempt = 0;
  #lostAtMs: number | null = null;
  #state: ConnectionState = { kind: 'connecting', lostAtMs: null };

  /** `history`: how many past events the page wants when it begins. */
  constructor(
    private readonly host: ConnectionHost,
    private readonly sink: ConnectionSink,
    private readonly history: number,
  ) {}

  start(): void {
    this.#connect(this.#sequence.since);
  }

  stop(): void {
    this.#drop();
  }

  /** Ends the countdown; no effect unless waiting. */
  retryNow(): void {
    if (this.#state.kind === 'waiting') this.#connect(this.#sequence.since);
  }

  #connect(since: string | undefined): void {
    this.#drop();
    this.#setState({ kind: 'connecting', lostAtMs: this.#lostAtMs });
    const generation = this.#generation;
    const isMine = (): boolean => generation === this.#generation;
    this.#stopTimer = this.host.startTimer(OPEN_TIMEOUT_MS, () =>
      this.#lose('the service did not answer'),
    );
    this.#socket = this.host.open(since, {
      onMessage: (text) => {
        if (isMine()) this.#onMessage(text, since);
      },
      onClose: (code, reason) => {
        if (isMine()) this.#lose(describeClose(code, reason));
      },
    });
  }

  #onMessage(text: string, since: string | undefined): void {
    let frame: ReturnType<typeof decodeFrame>;
    try {
      frame = decodeFrame(text);
    } catch (error) {
      this.#lose(`cannot read what the service says: ${(error as Error).message}`);
      return;
    }
    if (frame.type === 'events') {
      this.sink.onEvents(frame.run, this.#sequence.accept(frame.run, frame.events));
      return;
    }
    if (since === undefined) {
      if (frame.seq > 0) {
        this.#beginInThePast(frame);
        return;
      }
      this.#sequence.begin(frame.run, 0);
    }
    this.#stopTimer?.();
    this.#attempt = 0;
    this.#lostAtMs = null;
    this.sink.onSnapshot(frame);
    this.#setState({ kind: 'live' });
  }

  /** The first connection of this page: goes back as far as the page keeps, and says what it leaves out. */
  #beginInThePast(snapshot: Snapshot): void {
    const from = Math.max(0, snapshot.seq - this.history);
    this.#sequence.begin(snapshot.run, from);
    if (from > 0) this.sink.onEvents(snapshot.run, [before(from)]);
    this.#connect(this.#sequence.since);
  }

  #lose(why: string): void {
    this.#drop();
    this.#attempt += 1;
    const now = this.host.nowMs();
    this.#lostAtMs ??= now;
    const delay = backoffMs(this.#attempt, this.host.random());
    this.#stopTimer = this.host.startTimer(delay, () => this.#connect(this.#sequence.since));
    this.#setState({ kind: 'waiting', lostAtMs: this.#lostAtMs, retryAtMs: now + delay, why });
  }

  #drop(): void {
    this.#generation += 1;
    this.#stopTimer?.();
    this.#stopTimer = null;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.sink.onState(state);
  }
}

function before(to: number): GapEvent {
  return { kind: 'gap', seq: to, from: 1, to, count: to, reason: 'before' };
}

function describeClose(code: number, reason: string): string {
  if (code === 1001) return 'the service stopped';
  if (code === 1006) return 'the connection was lost';
  return reason === ''
    ? `the service closed with code ${code}`
    : `the service closed: ${reason} (${code})`;
}
