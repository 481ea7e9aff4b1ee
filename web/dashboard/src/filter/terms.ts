// The terms of a filter: what each key means. The grammar around them is in parse.ts. Pure.
import type { Peer } from '../protocol/event';
import type { Predicate, Subject, Verdict } from './subject';

/** Something in the filter is wrong at `offset`. */
export class FilterError extends Error {
  constructor(
    readonly offset: number,
    message: string,
  ) {
    super(message);
  }
}

export interface Word {
  readonly text: string;
  /** Where it begins in the filter. */
  readonly start: number;
}

type Make = (value: Word) => Predicate;

const verdict = (holds: boolean): Verdict => (holds ? 2 : 0);

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

function required(value: Word): string {
  if (value.text === '') throw new FilterError(value.start, 'nothing to look for');
  return value.text;
}

function compiled(source: string, flags: string, start: number): RegExp {
  try {
    return new RegExp(source, `${flags}u`);
  } catch {
    // Many expressions are right but for the strictness of `u`, such as \- or \_.
  }
  try {
    return new RegExp(source, flags);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FilterError(start, reason.replace(/^Invalid regular expression: /, ''));
  }
}

/** Whether the payload has it; what is found can be marked in the table. */
function found(pattern: RegExp): Predicate {
  const predicate: Predicate = ({ text }) => verdict(text !== null && pattern.test(text));
  predicate.mark = pattern;
  return predicate;
}

export const textTerm: Make = (value) =>
  found(compiled(escaped(required(value)).replaceAll('\\-', '\\x2d'), 'i', value.start));

export function regexTerm(value: Word, flags = ''): Predicate {
  return found(compiled(required(value), flags, value.start));
}

function includesBytes(bytes: Uint8Array, wanted: Uint8Array): boolean {
  const first = wanted[0] ?? 0;
  const end = bytes.length - wanted.length;
  for (let at = bytes.indexOf(first); at >= 0 && at <= end; at = bytes.indexOf(first, at + 1)) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return true;
  }
  return false;
}

const hexTerm: Make = (value) => {
  const pairs = value.text.match(/[\da-f]{2}|[^\s]/gi) ?? [];
  if (pairs.some((pair) => pair.length !== 2)) {
    throw new FilterError(value.start, 'bytes are pairs of hexadecimal digits, as hex:0d0a');
  }
  required(value);
  const wanted = Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
  if (wanted.length === 0) throw new FilterError(value.start, 'nothing to look for');
  return ({ bytes }) => verdict(bytes !== null && includesBytes(bytes, wanted));
};

/** A * stands for any characters. */
function wildcard(pattern: string): RegExp {
  return new RegExp(`^${pattern.split(/\*+/).map(escaped).join('.*')}$`, 's');
}

const pipeTerm: Make = (value) => {
  if (value.text === '') throw new FilterError(value.start, 'name a pipe, as pipe:demo or pipe:log*');
  const pattern = wildcard(value.text);
  return ({ event }) => verdict(pattern.test(event.pipe));
};

const sessionTerm: Make = (value) => {
  if (!/^\d+$/.test(value.text)) {
    throw new FilterError(value.start, 'a session is a number, as session:7');
  }
  const session = Number(value.text);
  return ({ event }) => verdict(event.session === session);
};

const ofPeer = (holds: (peer: Peer) => boolean): Predicate => {
  return ({ peer }) => (peer === undefined ? 1 : verdict(peer !== null && holds(peer)));
};

const pidTerm: Make = (value) => {
  if (!/^\d+$/.test(value.text)) throw new FilterError(value.start, 'a pid is a number, as pid:4711');
  const pid = Number(value.text);
  return ofPeer((peer) => peer.pid === pid);
};

/** Of a text about the peer, with * for any characters. */
const peerText =
  (advice: string, textOf: (peer: Peer, wanted: string) => string | undefined): Make =>
  (value) => {
    if (value.text === '') throw new FilterError(value.start, advice);
    const pattern = wildcard(value.text);
    return ofPeer((peer) => pattern.test(textOf(peer, value.text) ?? ''));
  };

const userAdvice = 'name a user, as uid:1000 or uid:alice';
const userTerm = peerText(userAdvice, (peer) => peer.user);

/** A number, or the user's name. */
const uidTerm: Make = (value) => {
  if (!/^\d/.test(value.text)) return userTerm(value);
  if (!/^\d+$/.test(value.text)) throw new FilterError(value.start, userAdvice);
  const uid = Number(value.text);
  return ofPeer((peer) => peer.uid === uid);
};

const executableTerm = peerText(
  'name a program or its path, as executable:mpv or executable:/opt/*',
  ({ executable = '' }, wanted) =>
    wanted.includes('/') ? executable : executable.slice(executable.lastIndexOf('/') + 1),
);
const peerTerm = peerText('name a process, as peer:mpv', (peer) => peer.name);
const unitTerm = peerText('name a unit, as unit:cron.service', (peer) => peer.unit);
const containerTerm = peerText('name a container, as container:web*', (peer) => peer.container);

const oneOf =
  (names: readonly string[], advice: string, make: (name: string) => Predicate): Make =>
  (value) => {
    if (!names.includes(value.text)) throw new FilterError(value.start, advice);
    return make(value.text);
  };

export const kinds = [
  'opened',
  'message',
  'closed',
  'injected',
  'error',
  'dropped',
  'pipe_added',
  'pipe_changed',
  'pipe_removed',
] as const;
export const directions = ['c2s', 's2c'] as const;
export const flags = ['incomplete', 'reply', 'private'] as const;

const directionOf = ({ event }: Subject): string => ('direction' in event ? event.direction : 'none');

export interface Term {
  readonly make: Make;
  /** A comma separates what it may be. */
  readonly isList: boolean;
}

export const terms: ReadonlyMap<string, Term> = new Map<string, Term>([
  ['pipe', { make: pipeTerm, isList: true }],
  ['session', { make: sessionTerm, isList: true }],
  [
    'direction',
    {
      make: oneOf(
        directions,
        'a direction is c2s or s2c',
        (name) => (subject) => verdict(directionOf(subject) === name),
      ),
      isList: false,
    },
  ],
  [
    'kind',
    {
      make: oneOf(
        kinds,
        `a kind is ${kinds.slice(0, -1).join(', ')} or ${kinds.at(-1)}`,
        (name) =>
          ({ event }) =>
            verdict(event.kind === name),
      ),
      isList: true,
    },
  ],
  [
    'flag',
    {
      make: oneOf(
        flags,
        'a flag is incomplete, reply or private',
        (name) =>
          ({ event }) =>
            verdict(event.flags?.includes(name) === true),
      ),
      isList: true,
    },
  ],
  ['text', { make: textTerm, isList: false }],
  ['hex', { make: hexTerm, isList: false }],
  ['regex', { make: regexTerm, isList: false }],
  ['pid', { make: pidTerm, isList: true }],
  ['uid', { make: uidTerm, isList: true }],
  ['peer', { make: peerTerm, isList: true }],
  ['executable', { make: executableTerm, isList: true }],
  ['unit', { make: unitTerm, isList: true }],
  ['container', { make: containerTerm, isList: true }],
]);

const sizeAdvice = 'a size is a number of bytes, as size>=100 or size<4k';

/** `sign` and what stands behind it. */
export function sizeTerm(sign: string, value: Word): Predicate {
  const parts = /^(\d+)([km]?)$/.exec(value.text);
  const number = Number(parts?.[1]);
  if (parts === null || number > 0xffffffff) throw new FilterError(value.start, sizeAdvice);
  const bytes = number * (parts[2] === 'k' ? 1024 : parts[2] === 'm' ? 1024 * 1024 : 1);
  const has = (holds: (size: number) => boolean): Predicate => {
    return ({ size }) => verdict(size >= 0 && holds(size));
  };
  switch (sign) {
    case '>=':
      return has((size) => size >= bytes);
    case '<=':
      return has((size) => size <= bytes);
    case '>':
      return has((size) => size > bytes);
    case '<':
      if (bytes === 0) throw new FilterError(value.start, sizeAdvice);
      return has((size) => size < bytes);
    default:
      return has((size) => size === bytes);
  }
}
