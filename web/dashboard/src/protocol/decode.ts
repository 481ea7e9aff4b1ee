// Turns the text of a WebSocket message of `pipebridge.v1.json` into typed values, or says why it cannot.
// Pure. It checks what the page relies on; fields that it does not know pass by, events of an unknown kind
// are left out (the sequence of the others then tells that something is missing).
import type { Frame, WireEvent } from './event';

type Json = Record<string, unknown>;

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null;
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isString = (value: unknown): value is string => typeof value === 'string';

function hasPlace(event: Json): boolean {
  return isNumber(event.wall_ns) && isString(event.pipe) && isNumber(event.session);
}

/** Whether `value` is an event that the page can show. */
export function isEvent(value: unknown): value is WireEvent {
  if (!isObject(value) || !isNumber(value.seq)) return false;
  switch (value.kind) {
    case 'message':
    case 'injected':
      return hasPlace(value) && isNumber(value.size) && (isString(value.text) || isString(value.base64));
    case 'opened':
      return hasPlace(value) && isObject(value.peer) && isString(value.peer.name);
    case 'closed':
      return hasPlace(value) && isString(value.reason);
    case 'error':
      return hasPlace(value) && isString(value.detail);
    case 'dropped':
      return hasPlace(value) && isNumber(value.count) && isNumber(value.bytes);
    case 'pipe_added':
    case 'pipe_changed':
    case 'pipe_removed':
      return hasPlace(value) && (value.state === undefined || isObject(value.state));
    case 'gap':
      return (
        isNumber(value.from) && isNumber(value.to) && isNumber(value.count) && isString(value.reason)
      );
    default:
      return false;
  }
}

/** Throws an Error that says what is wrong. */
export function decodeFrame(text: string): Frame {
  const value: unknown = JSON.parse(text);
  if (!isObject(value) || !isString(value.run)) throw new Error('a message without "run"');
  if (value.type === 'snapshot') {
    if (!isNumber(value.seq) || !Array.isArray(value.pipes) || !Array.isArray(value.sessions)) {
      throw new Error('a snapshot without "seq", "pipes" or "sessions"');
    }
    return value as unknown as Frame;
  }
  if (value.type === 'events') {
    if (!Array.isArray(value.events)) throw new Error('a batch without "events"');
    const events: unknown[] = value.events;
    return {
      type: 'events',
      run: value.run,
      events: events.every(isEvent) ? events : events.filter(isEvent),
    };
  }
  throw new Error(`a message of unknown type ${JSON.stringify(value.type)}`);
}
