// What the service says, as types. The words are those of web/PROTOCOL.md; nothing here runs.

export type Direction = 'c2s' | 's2c';

export interface Peer {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
  /** What follows is there as far as it is known and the pipe describes its clients. */
  readonly user?: string;
  readonly groups?: readonly number[];
  readonly executable?: string;
  readonly executable_is_current?: false;
  readonly command_line?: readonly string[];
  readonly command_line_is_cut?: true;
  readonly unit?: string;
  readonly container?: string;
}

export interface Traffic {
  readonly messages: number;
  readonly bytes: number;
}

export interface PipeInfo {
  readonly name: string;
  readonly role: string;
  readonly transport: string;
  readonly access: 'duplex' | 'inbound' | 'outbound';
  readonly mode: 'byte' | 'message';
  readonly framing: string;
  readonly path: string;
  /** Role tap only: where its clients are connected to. */
  readonly upstream?: string;
  readonly reply: string;
  readonly sessions: number;
  readonly sessions_total: number;
  readonly c2s: Traffic;
  readonly s2c: Traffic;
  readonly injected: number;
  readonly errors: number;
  /** Let go because the queue was full, where the pipe is set so. */
  readonly dropped?: Traffic;
  /** Role client only: how it stands to its server. */
  readonly connection?: PipeConnection;
}

export interface PipeConnection {
  readonly connected: boolean;
  readonly failed: number;
  readonly failure?: string;
  readonly next_try_wall_ns?: number;
  readonly queued: Traffic;
}

export interface SessionInfo {
  readonly id: number;
  readonly pipe: string;
  readonly opened_wall_ns: number;
  readonly peer: Peer;
  readonly c2s: Traffic;
  readonly s2c: Traffic;
}

interface EventBase {
  readonly seq: number;
  readonly wall_ns: number;
  readonly mono_ns: number;
  readonly pipe: string;
  readonly session: number;
  readonly flags?: readonly string[];
}

/** Who injected: by which way, from where, and what it calls itself. */
export interface SentBy {
  readonly via: string;
  readonly address?: string;
  readonly client?: string;
}

export interface PayloadEvent extends EventBase {
  readonly kind: 'message' | 'injected';
  readonly direction: Direction;
  readonly size: number;
  readonly targets?: number;
  readonly by?: SentBy;
  readonly text?: string;
  readonly base64?: string;
}

export interface OpenedEvent extends EventBase {
  readonly kind: 'opened';
  readonly peer: Peer;
}

export interface ClosedEvent extends EventBase {
  readonly kind: 'closed';
  readonly reason: string;
  readonly status: string;
}

export interface ErrorEvent extends EventBase {
  readonly kind: 'error';
  readonly detail: string;
}

/** Messages that the service had no room for, and that the pipe's `overflow` lets go. */
export interface DroppedEvent extends EventBase {
  readonly kind: 'dropped';
  readonly direction: Direction;
  readonly count: number;
  readonly bytes: number;
}

/** A pipe came, changed or went while the bridge runs. */
export interface PipeEvent extends EventBase {
  readonly kind: 'pipe_added' | 'pipe_changed' | 'pipe_removed';
  /** As it was at that moment; left out where the service had no room for it. */
  readonly state?: PipeInfo;
}

/** Why events are missing. The service tells the first three; `untold` is a hole that this page found itself,
 *  `before` are the events from before the page began to read. */
export type GapReason = 'slow' | 'expired' | 'run' | 'untold' | 'before';

export interface GapEvent {
  readonly kind: 'gap';
  readonly seq: number;
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly reason: GapReason;
}

export type WireEvent =
  | PayloadEvent
  | OpenedEvent
  | ClosedEvent
  | ErrorEvent
  | DroppedEvent
  | PipeEvent
  | GapEvent;

export interface Snapshot {
  readonly type: 'snapshot';
  readonly run: string;
  readonly seq: number;
  readonly version: string;
  readonly pipes: readonly PipeInfo[];
  readonly sessions: readonly SessionInfo[];
}

export interface EventBatch {
  readonly type: 'events';
  readonly run: string;
  readonly events: readonly WireEvent[];
}

export type Frame = Snapshot | EventBatch;
