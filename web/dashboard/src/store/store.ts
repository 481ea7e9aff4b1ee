// Everything that the page knows of the service. The connection and the poller write into it; views read it
// and listen to its topics. No DOM here.
import type { ConnectionSink, ConnectionState } from '../connection/connection';
import type { PollerSink } from '../connection/poller';
import { parseFilter } from '../filter/parse';
import type { Predicate } from '../filter/subject';
import type { PipeEvent, PipeInfo, SessionInfo, Snapshot, WireEvent } from '../protocol/event';
import { type LogLimits, MessageLog } from './message_log';
import { MessageView } from './message_view';
import { Pairing } from './pairing';
import { Rate } from './rates';
import { Sessions } from './sessions';
import { type FrameScheduler, Topic } from './topic';

export interface Pipe {
  info: PipeInfo;
  readonly rate: Rate;
}

/** Whether anything can be sent into the pipe: an inbound one is only read. */
export const takesMessages = (info: PipeInfo): boolean => info.access !== 'inbound';

const isPipeEvent = (event: WireEvent): event is PipeEvent =>
  event.kind === 'pipe_added' || event.kind === 'pipe_changed' || event.kind === 'pipe_removed';

/** What the filter box says. */
export interface Query {
  readonly text: string;
  /** null: everything. While `text` is wrong: what it was before. */
  readonly passes: Predicate | null;
  readonly marks: readonly RegExp[];
  readonly problem: { readonly offset: number; readonly detail: string } | null;
}

export class Store implements ConnectionSink, PollerSink {
  readonly log: MessageLog;
  readonly view: MessageView;
  readonly sessions = new Sessions();
  readonly #pairing = new Pairing();
  /** In the service's order. */
  pipes: Pipe[] = [];
  readonly total = new Rate();
  connection: ConnectionState = { kind: 'connecting', lostAtMs: null };
  /** Whether the service has ever answered this page. */
  isKnown = false;
  isHealthy = true;
  run = '';
  /** The last event that the snapshot's pipes know of. */
  #snapshotSeq = 0;
  version = '';
  query: Query = { text: '', passes: null, marks: [], problem: null };
  wanted: { readonly pipe: string | null } | null = null;

  readonly messagesTopic: Topic;
  readonly sessionsTopic: Topic;
  readonly pipesTopic: Topic;
  readonly connectionTopic: Topic;

  constructor(scheduler: FrameScheduler, limits?: LogLimits) {
    this.log = new MessageLog(limits);
    this.view = new MessageView(this.log, (session) => this.sessions.get(session)?.info.peer);
    this.messagesTopic = new Topic(scheduler);
    this.sessionsTopic = new Topic(scheduler);
    this.pipesTopic = new Topic(scheduler);
    this.connectionTopic = new Topic(scheduler);
  }

  pipe(name: string | null): Pipe | undefined {
    return this.pipes.find((pipe) => pipe.info.name === name);
  }

  /** Whether the bridge is the client on that pipe, and its peer the server. */
  isClient(name: string): boolean {
    return this.pipe(name)?.info.role === 'client';
  }

  // ---- from the event stream ----
  onState(state: ConnectionState): void {
    if (state.kind === 'waiting' && this.connection.kind !== 'waiting') this.#forgetRates();
    this.connection = state;
    this.connectionTopic.changed();
  }

  onSnapshot(snapshot: Snapshot): void {
    if (snapshot.run !== this.run) {
      this.sessions.clear();
      this.#forgetRates();
    }
    this.run = snapshot.run;
    this.version = snapshot.version;
    this.#snapshotSeq = snapshot.seq;
    this.isKnown = true;
    this.#setPipes(snapshot.pipes);
    this.sessions.replace(null, snapshot.sessions);
    this.sessionsTopic.changed();
    this.connectionTopic.changed();
  }

  onEvents(run: string, events: readonly WireEvent[]): void {
    let hasSessions = false;
    for (const event of events) {
      if (event.kind === 'opened') this.sessions.opened(event);
      if (isPipeEvent(event)) this.#onPipe(event);
      const session = event.kind === 'gap' ? undefined : this.sessions.get(event.session);
      const openedWallNs = event.kind === 'closed' ? (session?.info.opened_wall_ns ?? 0) : 0;
      const row = this.log.append(run, event, session?.info.peer.name ?? '', openedWallNs);
      this.#pairing.add(row);
      this.view.add(row);
      if (event.kind === 'closed') this.sessions.ended(event);
      hasSessions ||= event.kind === 'opened' || event.kind === 'closed';
    }
    if (events.length > 0) this.messagesTopic.changed();
    if (hasSessions) this.sessionsTopic.changed();
  }

  // ---- from the poller ----
  wantedSessions(): { readonly pipe: string | null } | null {
    return this.wanted;
  }

  onPipes(pipes: readonly PipeInfo[], nowMs: number): void {
    this.#setPipes(pipes);
    let messages = 0;
    let bytes = 0;
    for (const { info, rate } of this.pipes) {
      const sample = {
        messages: info.c2s.messages + info.s2c.messages,
        bytes: info.c2s.bytes + info.s2c.bytes,
      };
      messages += sample.messages;
      bytes += sample.bytes;
      rate.add(sample, nowMs);
    }
    this.total.add({ messages, bytes }, nowMs);
  }

  onSessions(pipe: string | null, sessions: readonly SessionInfo[]): void {
    this.sessions.replace(pipe, sessions);
    this.sessionsTopic.changed();
  }

  onHealth(isHealthy: boolean): void {
    if (this.isHealthy === isHealthy) return;
    this.isHealthy = isHealthy;
    this.connectionTopic.changed();
  }

  // ---- from the user ----
  setFilter(pipe: string | null, session: number | null, text: string): void {
    this.#parse(text);
    const was = this.view.filter;
    const { passes } = this.query;
    if (was.pipe === pipe && was.session === session && was.passes === passes) return;
    this.view.setFilter({ pipe, session, passes });
    this.messagesTopic.changed();
  }

  setPaused(isPaused: boolean): void {
    if (isPaused) this.view.pause();
    else this.view.resume();
    this.messagesTopic.changed();
  }

  #parse(text: string): void {
    if (text === this.query.text) return;
    const parsed = parseFilter(text);
    this.query = parsed.ok
      ? {
          text,
          passes: text.trim() === '' ? null : parsed.matches,
          marks: parsed.marks,
          problem: null,
        }
      : { ...this.query, text, problem: { offset: parsed.offset, detail: parsed.detail } };
    this.messagesTopic.changed();
  }

  /** At once, and not with the next poll. What came before the snapshot is in its list already. */
  #onPipe(event: PipeEvent): void {
    if (event.seq <= this.#snapshotSeq) return;
    const { kind, pipe: name, state } = event;
    const infos = this.pipes.map((pipe) => pipe.info);
    if (kind === 'pipe_removed') {
      this.#setPipes(infos.filter((info) => info.name !== name));
    } else if (state !== undefined) {
      const isKnown = this.pipe(name) !== undefined;
      this.#setPipes(
        isKnown ? infos.map((info) => (info.name === name ? state : info)) : [...infos, state],
      );
    }
  }

  #setPipes(pipes: readonly PipeInfo[]): void {
    this.pipes = pipes.map((info) => {
      const known = this.pipe(info.name);
      if (known === undefined) return { info, rate: new Rate() };
      known.info = info;
      return known;
    });
    this.pipesTopic.changed();
  }

  #forgetRates(): void {
    this.total.forget();
    for (const { rate } of this.pipes) rate.forget();
    this.pipesTopic.changed();
  }
}
