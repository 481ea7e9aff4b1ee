// Turns a message of `pipebridge.v1.bin` into what decode.ts makes of `pipebridge.v1.json`, with payloads as they are:
// views into the message, nothing copied. Pure; the layout stands in web/PROTOCOL.md.
import { decodeFrame, isEvent } from './decode';
import type { Direction, PayloadEvent, SentBy, Snapshot, WireEvent } from './event';

export interface BinaryPayloadEvent extends Omit<PayloadEvent, 'text' | 'base64'> {
  readonly payload: Uint8Array;
}
export type BinaryEvent = Exclude<WireEvent, PayloadEvent> | BinaryPayloadEvent;

export interface BinaryBatch {
  readonly type: 'events';
  readonly run: string;
  readonly events: readonly BinaryEvent[];
}

const HEADER_BYTES = 16;
const RECORD_BYTES = 56;
const SNAPSHOT = 1;
const EVENTS = 2;
const MESSAGE = 2;
const INJECTED = 4;
const ERROR = 5;
const DIRECTIONS: readonly Direction[] = ['c2s', 's2c'];
/** By their bits, from the lowest. */
const FLAGS = ['incomplete', 'reply'];

const utf8 = new TextDecoder('utf-8', { fatal: true });

function wide(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function hasPayload(event: WireEvent): event is PayloadEvent {
  return event.kind === 'message' || event.kind === 'injected';
}

function flagsOf(bits: number): { flags?: readonly string[] } {
  const flags = FLAGS.filter((_, bit) => bits & (1 << bit));
  return flags.length > 0 ? { flags } : {};
}

/** `behind`: what lies behind the payload. Undefined: of a kind or a direction that is not known here. */
function decodeRecord(
  record: DataView,
  pipeName: (index: number) => string,
  payload: Uint8Array,
  behind: Uint8Array,
): BinaryEvent | undefined {
  const kind = record.getUint8(4);
  if (kind !== MESSAGE && kind !== INJECTED && kind !== ERROR) {
    const value: unknown = JSON.parse(utf8.decode(payload));
    return isEvent(value) && !hasPayload(value) ? value : undefined;
  }
  const place = {
    seq: wide(record, 8),
    wall_ns: wide(record, 16),
    mono_ns: wide(record, 24),
    session: wide(record, 32),
    pipe: pipeName(record.getUint32(40, true)),
  };
  if (kind === ERROR) return { kind: 'error', ...place, detail: utf8.decode(payload) };
  const direction = DIRECTIONS[record.getUint8(5) - 1];
  if (direction === undefined) return undefined;
  return {
    kind: kind === MESSAGE ? 'message' : 'injected',
    ...place,
    direction,
    ...flagsOf(record.getUint16(6, true)),
    targets: record.getUint32(44, true),
    size: payload.byteLength,
    payload,
    ...(behind.byteLength > 0 && { by: JSON.parse(utf8.decode(behind)) as SentBy }),
  };
}

/** The record at `at` and its size. Throws if it does not lie within the message. */
function recordAt(message: DataView, at: number): { view: DataView; payloadBytes: number } {
  const size = at + RECORD_BYTES <= message.byteLength ? message.getUint32(at, true) : 0;
  if (size < RECORD_BYTES || at + size > message.byteLength) throw new Error(`no whole event at ${at}`);
  const view = new DataView(message.buffer, message.byteOffset + at, size);
  const payloadBytes = view.getUint32(48, true);
  if (RECORD_BYTES + payloadBytes + view.getUint32(52, true) !== size) {
    throw new Error(`an event of ${size} bytes with ${payloadBytes} of payload at ${at}`);
  }
  return { view, payloadBytes };
}

/** `pipeName`: what the snapshot, and the events of pipes that came since, say of an index. Throws an Error that says
 *  what is wrong. */
export function decodeBinary(
  buffer: ArrayBuffer,
  pipeName: (index: number) => string,
): Snapshot | BinaryBatch {
  const message = new DataView(buffer);
  if (buffer.byteLength < HEADER_BYTES) throw new Error(`${buffer.byteLength} bytes are no message`);
  if (message.getUint8(0) !== 1) throw new Error(`version ${message.getUint8(0)} is not known here`);
  const type = message.getUint8(1);
  if (type === SNAPSHOT) {
    const frame = decodeFrame(utf8.decode(new Uint8Array(buffer, HEADER_BYTES)));
    if (frame.type === 'snapshot') return frame;
  }
  if (type !== EVENTS) throw new Error(`a message of unknown type ${type}`);
  const events: BinaryEvent[] = [];
  let at = HEADER_BYTES;
  for (let left = message.getUint32(4, true); left > 0; left--) {
    const { view, payloadBytes } = recordAt(message, at);
    const tail = new Uint8Array(buffer, at + RECORD_BYTES, view.byteLength - RECORD_BYTES);
    const behind = tail.subarray(payloadBytes);
    const event = decodeRecord(view, pipeName, tail.subarray(0, payloadBytes), behind);
    if (event !== undefined) events.push(event);
    at += view.byteLength;
  }
  if (at !== buffer.byteLength) throw new Error(`${buffer.byteLength - at} bytes too many`);
  const run = message.getBigUint64(8, true).toString(16).padStart(16, '0');
  return { type: 'events', run, events };
}
