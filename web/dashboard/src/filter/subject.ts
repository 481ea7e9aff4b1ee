// What a filter looks at: an event, with its payload as text and as bytes, made only when a term asks. Pure.
import { payloadBytes } from '../payload/bytes';
import type { Peer, WireEvent } from '../protocol/event';

export type PeerOf = (session: number) => Peer | undefined;

const decoder = new TextDecoder();

export class Subject {
  #text: string | null | undefined;
  #bytes: Uint8Array | null | undefined;

  constructor(
    readonly event: Exclude<WireEvent, { kind: 'gap' }>,
    private readonly peerOf: PeerOf,
  ) {}

  /** Bytes of the payload; -1: an event of another kind. */
  get size(): number {
    return 'size' in this.event ? this.event.size : -1;
  }

  /** null: of no session; undefined: of one that is forgotten. */
  get peer(): Peer | null | undefined {
    if (this.event.session === 0) return null;
    return this.event.kind === 'opened' ? this.event.peer : this.peerOf(this.event.session);
  }

  /** The payload, or what an error says; null: there is none. */
  get text(): string | null {
    if (this.#text === undefined) {
      const { event } = this;
      if (event.kind === 'error') this.#text = event.detail;
      else if ('size' in event) this.#text = event.text ?? decoder.decode(payloadBytes(event));
      else this.#text = null;
    }
    return this.#text;
  }

  get bytes(): Uint8Array | null {
    if (this.#bytes === undefined) {
      const { event } = this;
      if (event.kind === 'error') this.#bytes = new TextEncoder().encode(event.detail);
      else this.#bytes = 'size' in event ? payloadBytes(event) : null;
    }
    return this.#bytes;
  }
}

/** 0 no, 1 unknown, 2 yes. What nobody can know any more is shown by a term and by its negation alike. */
export type Verdict = 0 | 1 | 2;

export interface Predicate {
  (subject: Subject): Verdict;
  /** What a term looks for in a text. */
  mark?: RegExp;
}
