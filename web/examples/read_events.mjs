// Reads the event stream by pipebridge.v1.bin and prints a line for each event.
//
//     node read_events.mjs ws://127.0.0.1:7117/api/v1/events?pipe=demo
//
// `decode` turns one message of the socket (an ArrayBuffer) into what PROTOCOL.md describes. Node before 22 has
// no WebSocket of its own: there the package `ws` must be installed.
import { pathToFileURL } from 'node:url';

const HEADER_BYTES = 16;
const RECORD_BYTES = 56;
const KINDS = [null, 'opened', 'message', 'closed', 'injected', 'error', 'gap', 'pipe_added', 'pipe_changed',
  'pipe_removed', 'dropped'];
const DIRECTIONS = [null, 'c2s', 's2c'];
const FLAGS = { incomplete: 1, reply: 2 };

const text = (bytes) => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

function decodeRecord(view, at) {
  const size = view.getUint32(at, true);
  const payloadBytes = view.getUint32(at + 48, true);
  const byBytes = view.getUint32(at + 52, true);
  if (size !== RECORD_BYTES + payloadBytes + byBytes || at + size > view.byteLength) {
    throw new Error(`a record of ${size} bytes with ${payloadBytes} of payload at ${at}`);
  }
  const payload = new Uint8Array(view.buffer, view.byteOffset + at + RECORD_BYTES, payloadBytes);
  const by = new Uint8Array(view.buffer, view.byteOffset + at + RECORD_BYTES + payloadBytes, byBytes);
  const kind = KINDS[view.getUint8(at + 4)];
  if (!['message', 'injected', 'error'].includes(kind)) return { size, event: JSON.parse(text(payload)) };
  const event = {
    seq: Number(view.getBigUint64(at + 8, true)),
    kind,
    wall_ns: view.getBigUint64(at + 16, true), // more than a Number holds exactly
    mono_ns: view.getBigUint64(at + 24, true),
    pipe: view.getUint32(at + 40, true), // an `index` of the snapshot's pipes
    session: Number(view.getBigUint64(at + 32, true)),
  };
  if (kind === 'error') return { size, event: { ...event, detail: text(payload) } };
  const flags = view.getUint16(at + 6, true);
  return {
    size,
    event: {
      ...event,
      direction: DIRECTIONS[view.getUint8(at + 5)],
      flags: Object.keys(FLAGS).filter((name) => flags & FLAGS[name]),
      targets: view.getUint32(at + 44, true),
      payload,
      ...(byBytes > 0 && { by: JSON.parse(text(by)) }),
    },
  };
}

export function decode(message) {
  const view = new DataView(message);
  if (view.getUint8(0) !== 1) throw new Error(`version ${view.getUint8(0)} is not known here`);
  if (view.getUint8(1) === 1) return { snapshot: JSON.parse(text(new Uint8Array(message, HEADER_BYTES))) };
  const events = [];
  let at = HEADER_BYTES;
  for (let left = view.getUint32(4, true); left > 0; left--) {
    const { size, event } = decodeRecord(view, at);
    events.push(event);
    at += size;
  }
  if (at !== view.byteLength) throw new Error(`${view.byteLength - at} bytes too many`);
  return { events };
}

async function follow(url) {
  const Socket = globalThis.WebSocket ?? (await import('ws')).default;
  const socket = new Socket(url, 'pipebridge.v1.bin');
  const pipes = new Map();
  socket.binaryType = 'arraybuffer';
  socket.onmessage = ({ data }) => {
    const { snapshot, events = [] } = decode(data);
    const named = snapshot ? [...snapshot.pipes, ...snapshot.removed_pipes] : [];
    for (const { index, name } of named) pipes.set(index, name);
    for (const event of events) {
      if (event.kind === 'pipe_added' && event.state) pipes.set(event.state.index, event.pipe);
      console.log({ ...event, pipe: pipes.get(event.pipe) ?? event.pipe });
    }
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await follow(process.argv[2]);
