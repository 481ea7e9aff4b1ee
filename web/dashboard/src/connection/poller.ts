// Asks the service for its counters, once a second: what the page shows as rates and totals is the
// service's own count, not what happened to reach this page.
import type { PipeInfo, SessionInfo } from '../protocol/event';
import type { Result } from './api';

export interface PollerHost {
  pipes(): Promise<Result<{ pipes: PipeInfo[] }>>;
  sessions(pipe: string | null): Promise<Result<{ sessions: SessionInfo[] }>>;
  health(): Promise<Result<unknown>>;
  nowMs(): number;
  startTimer(delayMs: number, routine: () => void): () => void;
}

export interface PollerSink {
  /** Which sessions are looked at: of a pipe, of all (`pipe` null), or none (null). */
  wantedSessions(): { readonly pipe: string | null } | null;
  onPipes(pipes: readonly PipeInfo[], nowMs: number): void;
  onSessions(pipe: string | null, sessions: readonly SessionInfo[]): void;
  onHealth(isHealthy: boolean): void;
}

const PERIOD_MS = 1_000;
/** Lists of many sessions are long; they are asked for less often. */
const SLOW_EVERY = 5;
const MANY_SESSIONS = 2_000;

export class Poller {
  #cancel: (() => void) | null = null;
  #isRunning = false;
  #turn = 0;
  #sessionCount = 0;

  constructor(
    private readonly host: PollerHost,
    private readonly sink: PollerSink,
  ) {}

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    void this.#poll();
  }

  stop(): void {
    this.#isRunning = false;
    this.#cancel?.();
    this.#cancel = null;
  }

  /** Asks for the pipes now: something was changed. */
  async refresh(): Promise<void> {
    const pipes = await this.host.pipes();
    if (pipes.ok && this.#isRunning) this.sink.onPipes(pipes.value.pipes, this.host.nowMs());
  }

  /** Asks now, not only when the second is over (the view has just changed). */
  async refreshSessions(): Promise<void> {
    const wanted = this.sink.wantedSessions();
    if (wanted === null || !this.#isRunning) return;
    const answer = await this.host.sessions(wanted.pipe);
    if (!answer.ok || !this.#isRunning) return;
    this.#sessionCount = answer.value.sessions.length;
    this.sink.onSessions(wanted.pipe, answer.value.sessions);
  }

  async #poll(): Promise<void> {
    const begun = this.host.nowMs();
    const turn = this.#turn++;
    const pipes = await this.host.pipes();
    if (!this.#isRunning) return;
    if (pipes.ok) this.sink.onPipes(pipes.value.pipes, this.host.nowMs());
    if (this.#sessionCount < MANY_SESSIONS || turn % SLOW_EVERY === 0) await this.refreshSessions();
    if (turn % SLOW_EVERY === 0) {
      const health = await this.host.health();
      if (health.ok || health.problem.status !== 0) this.sink.onHealth(health.ok);
    }
    if (!this.#isRunning) return;
    const rest = Math.max(100, PERIOD_MS - (this.host.nowMs() - begun));
    this.#cancel = this.host.startTimer(rest, () => void this.#poll());
  }
}
