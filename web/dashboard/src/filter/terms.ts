// The terms of a filter: what each key means. The grammar around them is in parse.ts. Pure.
import type { Predicate, Subject } from './subject';

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
  const predicate: Predicate = ({ text }) => text !== null && pattern.test(text);
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
  return ({ bytes }) => bytes !== null && includesBytes(bytes, wanted);
};

/** A * stands for any characters. */
function wildcard(pattern: string): RegExp {
  return new RegExp(`^${pattern.split(/\*+/).map(escaped).join('.*')}$`, 's');
}

const pipeTerm: Make = (value) => {
  if (value.text === '') throw new FilterError(value.start, 'name a pipe, as pipe:demo or pipe:log*');
  const pattern = wildcard(value.text);
  return ({ event }) => pattern.test(event.pipe);
};

const sessionTerm: Make = (value) => {
  if (!/^\d+$/.test(value.text)) {
    throw new FilterError(value.start, 'a session is a number, as session:7');
  }
  const session = Number(value.text);
  return ({ event }) => event.session === session;
};

const oneOf =
  (names: readonly string[], advice: string, make: (name: string) => Predicate): Make =>
  (value) => {
    if (!names.includes(value.text)) throw new FilterError(value.start, advice);
    return make(value.text);
  };

export const kinds = ['opened', 'message', 'closed', 'injected', 'error'] as const;
export const directions = ['c2s', 's2c'] as const;
export const flags = ['incomplete', 'reply'] as const;

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
      make: oneOf(directions, 'a direction is c2s or s2c', (name) => (subject) => {
        return directionOf(subject) === name;
      }),
      isList: false,
    },
  ],
  [
    'kind',
    {
      make: oneOf(
        kinds,
        'a kind is opened, message, closed, injected or error',
        (name) =>
          ({ event }) =>
            event.kind === name,
      ),
      isList: true,
    },
  ],
  [
    'flag',
    {
      make: oneOf(
        flags,
        'a flag is incomplete or reply',
        (name) =>
          ({ event }) =>
            event.flags?.includes(name) === true,
      ),
      isList: true,
    },
  ],
  ['text', { make: textTerm, isList: false }],
  ['hex', { make: hexTerm, isList: false }],
  ['regex', { make: regexTerm, isList: false }],
]);

const sizeAdvice = 'a size is a number of bytes, as size>=100 or size<4k';

/** `sign` and what stands behind it. */
export function sizeTerm(sign: string, value: Word): Predicate {
  const parts = /^(\d+)([km]?)$/.exec(value.text);
  const number = Number(parts?.[1]);
  if (parts === null || number > 0xffffffff) throw new FilterError(value.start, sizeAdvice);
  const bytes = number * (parts[2] === 'k' ? 1024 : parts[2] === 'm' ? 1024 * 1024 : 1);
  const has = (holds: (size: number) => boolean): Predicate => {
    return ({ size }) => size >= 0 && holds(size);
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
