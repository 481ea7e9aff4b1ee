// The wire form of Protocol Buffers without its schema: field numbers and what their bytes could mean
// (protobuf.dev/programming-guides/encoding). Pure.
import { hexBytes } from './hex';
import { type Item, MAX_DEPTH, type Tree } from './tree';

const MAX_BYTES_SHOWN = 64;
const MAX_FIELD = 536_870_911;

const strict = new TextDecoder('utf-8', { fatal: true });

class Reader {
  at = 0;

  constructor(readonly bytes: Uint8Array) {}

  get isDone(): boolean {
    return this.at >= this.bytes.length;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.take(1)[0] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new RangeError('a varint of more than ten bytes');
  }

  take(count: number): Uint8Array {
    if (count > this.bytes.length - this.at) throw new RangeError('it ends in the middle');
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }
}

const view = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const number = (text: string): Tree => ({ kind: 'number', text });

function printable(bytes: Uint8Array): string | null {
  try {
    const text = strict.decode(bytes);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a text has none of these
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

/** A text, a message, or bytes: nothing in the payload says which. */
function lengthTree(bytes: Uint8Array, depth: number): Tree {
  const text = printable(bytes);
  if (text !== null) return { kind: 'string', text: JSON.stringify(text) };
  try {
    return messageTree(bytes, depth + 1);
  } catch {
    const more = bytes.length > MAX_BYTES_SHOWN ? ` … ${bytes.length} bytes` : '';
    return { kind: 'word', text: `h'${hexBytes(bytes, MAX_BYTES_SHOWN)}${more}'` };
  }
}

function field(reader: Reader, wireType: number, depth: number): Tree {
  switch (wireType) {
    case 0:
      return number(String(reader.varint()));
    case 1:
      return number(`${view(reader.take(8)).getBigUint64(0, true)} (fixed64)`);
    case 2:
      return lengthTree(reader.take(Number(reader.varint())), depth);
    case 5:
      return number(`${view(reader.take(4)).getUint32(0, true)} (fixed32)`);
    default:
      throw new RangeError(`no wire type ${wireType}`);
  }
}

/** Throws where the bytes are no message. */
function messageTree(bytes: Uint8Array, depth: number): Tree {
  if (depth > MAX_DEPTH) throw new RangeError('nested too deep');
  const reader = new Reader(bytes);
  const items: Item[] = [];
  while (!reader.isDone) {
    const tag = Number(reader.varint());
    const fieldNumber = Math.floor(tag / 8);
    if (fieldNumber < 1 || fieldNumber > MAX_FIELD) throw new RangeError('no such field');
    items.push({ key: String(fieldNumber), value: field(reader, tag % 8, depth) });
  }
  return { kind: 'object', items };
}

export function protobufTree(bytes: Uint8Array): Tree | null {
  try {
    return bytes.length === 0 ? null : messageTree(bytes, 0);
  } catch {
    return null;
  }
}
