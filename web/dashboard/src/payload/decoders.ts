// MessagePack and CBOR as trees, by their libraries. Each gives null for what is not such a payload, whole. Pure.
import { decodeMulti, ExtData } from '@msgpack/msgpack';
import { decodeFirst } from 'cborg';
import { hexBytes } from './hex';
import { type Item, MAX_DEPTH, type Tree } from './tree';

const MAX_BYTES_SHOWN = 64;

class Tagged {
  constructor(
    readonly tag: number,
    readonly value: unknown,
  ) {}
}

const word = (text: string): Tree => ({ kind: 'word', text });
const number = (text: string): Tree => ({ kind: 'number', text });
const string = (text: string): Tree => ({ kind: 'string', text: JSON.stringify(text) });

/** h'82 a5' as in CBOR's own notation. */
function bytesTree(bytes: Uint8Array): Tree {
  const more = bytes.length > MAX_BYTES_SHOWN ? ` … ${bytes.length} bytes` : '';
  return word(`h'${hexBytes(bytes, MAX_BYTES_SHOWN)}${more}'`);
}

function keyText(key: unknown): string {
  if (typeof key === 'string') return JSON.stringify(key);
  const tree = valueTree(key, MAX_DEPTH - 1);
  return 'text' in tree ? tree.text : tree.kind;
}

/** What a library has decoded. */
function valueTree(value: unknown, depth: number): Tree {
  if (depth > MAX_DEPTH) throw new RangeError('nested too deep');
  const item = (key: string | null, inner: unknown): Item => ({
    key,
    value: valueTree(inner, depth + 1),
  });
  if (typeof value === 'string') return string(value);
  if (typeof value === 'number') return number(Object.is(value, -0) ? '-0.0' : String(value));
  if (typeof value === 'bigint') return number(String(value));
  if (value instanceof Uint8Array) return bytesTree(value);
  if (value instanceof Date) return word(value.toISOString());
  if (value instanceof ExtData) {
    const data = value.data instanceof Uint8Array ? value.data : new Uint8Array();
    return { kind: 'object', items: [{ key: `ext ${value.type}`, value: bytesTree(data) }] };
  }
  if (value instanceof Tagged) {
    return { kind: 'object', items: [item(`tag ${value.tag}`, value.value)] };
  }
  if (Array.isArray(value)) return { kind: 'list', items: value.map((each) => item(null, each)) };
  if (value instanceof Map) {
    return { kind: 'object', items: [...value].map(([key, inner]) => item(keyText(key), inner)) };
  }
  if (typeof value === 'object' && value !== null) {
    return {
      kind: 'object',
      items: Object.entries(value).map(([key, inner]) => item(JSON.stringify(key), inner)),
    };
  }
  return word(String(value));
}

/** Several values one after the other are a list of their own. */
function whole(values: readonly unknown[]): Tree | null {
  const isWorth = values.some((value) => typeof value === 'object' && value !== null);
  if (!isWorth) return null; // any byte is a small number in either format
  if (values.length === 1) return valueTree(values[0], 0);
  return {
    kind: 'list',
    items: values.map((value) => ({ key: null, value: valueTree(value, 1) })),
  };
}

export function messagePackTree(bytes: Uint8Array): Tree | null {
  try {
    const values = decodeMulti(bytes, { useBigInt64: true });
    return whole([...values]);
  } catch {
    return null;
  }
}

/** Every tag is shown, not interpreted. */
const tags = new Proxy([], {
  get: (_, name) =>
    typeof name === 'string' && /^\d+$/.test(name)
      ? (decode: () => unknown) => new Tagged(Number(name), decode())
      : undefined,
});

export function cborTree(bytes: Uint8Array): Tree | null {
  try {
    const values: unknown[] = [];
    let rest = bytes;
    while (rest.length > 0) {
      const [value, remaining] = decodeFirst(rest, { useMaps: true, tags });
      values.push(value);
      rest = remaining;
    }
    return whole(values);
  } catch {
    return null;
  }
}
