// The ways to look at a payload: which are possible, and which suggests itself. Pure.
import type { PayloadEvent } from '../protocol/event';
import { payloadBytes } from './bytes';
import { cborTree, messagePackTree } from './decoders';
import { type Head, splitHead } from './head';
import { isJson, jsonTree } from './json';
import { protobufTree } from './protobuf';
import type { Tree } from './tree';

export const payloadModes = [
  'json',
  'messagepack',
  'cbor',
  'head',
  'protobuf',
  'text',
  'hex',
  'base64',
] as const;
export type PayloadMode = (typeof payloadModes)[number];

/** Larger payloads are not tried as anything but text and bytes: a decoder may take seconds for a megabyte. */
const MAX_DECODED = 256 * 1024;

export class Payload {
  readonly bytes: Uint8Array;
  /** null: not UTF-8. */
  readonly text: string | null;
  readonly possible: readonly PayloadMode[];
  /** What suggests itself. */
  readonly natural: PayloadMode;
  readonly head: Head | null;
  readonly #trees = new Map<PayloadMode, Tree>();

  constructor(bytes: Uint8Array, text: string | null) {
    this.bytes = bytes;
    this.text = text;
    const isSmall = this.bytes.length <= MAX_DECODED;
    this.head = isSmall ? splitHead(this.bytes) : null;
    if (isSmall) this.#decode();
    this.possible = payloadModes.filter(
      (mode) =>
        mode === 'text' ||
        mode === 'hex' ||
        mode === 'base64' ||
        this.#trees.has(mode) ||
        (mode === 'head' && this.head !== null),
    );
    this.natural = this.#choose();
  }

  static ofEvent(event: PayloadEvent): Payload {
    return new Payload(payloadBytes(event), event.text ?? null);
  }

  static ofBytes(bytes: Uint8Array): Payload {
    try {
      return new Payload(bytes, new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    } catch {
      return new Payload(bytes, null);
    }
  }

  tree(mode: PayloadMode): Tree | undefined {
    return this.#trees.get(mode);
  }

  #decode(): void {
    const keep = (mode: PayloadMode, tree: Tree | null): void => {
      if (tree !== null) this.#trees.set(mode, tree);
    };
    if (this.text !== null) {
      if (isJson(this.text)) keep('json', jsonTree(this.text));
      return;
    }
    keep('messagepack', messagePackTree(this.bytes));
    keep('cbor', cborTree(this.bytes));
    keep('protobuf', protobufTree(this.bytes));
  }

  /** Protocol Buffers never suggest themselves: too much that is something else could be some. */
  #choose(): PayloadMode {
    const first = this.possible.find((mode) => mode !== 'protobuf');
    return first === 'text' && this.text === null ? 'hex' : (first ?? 'hex');
  }
}
