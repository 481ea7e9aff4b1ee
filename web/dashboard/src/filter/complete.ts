// What could stand at the caret of the filter: keys, and values that are known. Pure.
import { directions, flags, kinds } from './terms';

export interface Completion {
  /** What it puts in place of the word at the caret. */
  readonly text: string;
  readonly hint: string;
}

export interface Completions {
  /** The part of the text that a completion replaces. */
  readonly start: number;
  readonly end: number;
  readonly list: readonly Completion[];
}

export interface Known {
  readonly pipes: readonly string[];
  readonly sessions: readonly { readonly id: number; readonly name: string }[];
  /** What each key looks at, in the order in which the keys are offered. */
  readonly keys: Readonly<Record<string, string>>;
}

const MAX = 12;
const quoted = (value: string): string => (/[\s(),"]/.test(value) ? JSON.stringify(value) : value);

function valuesOf(key: string, known: Known): Completion[] {
  const plain = (values: readonly string[]): Completion[] =>
    values.map((value) => ({ text: quoted(value), hint: '' }));
  switch (key) {
    case 'pipe':
      return plain(known.pipes);
    case 'session':
      return known.sessions.map(({ id, name }) => ({ text: String(id), hint: name }));
    case 'direction':
      return plain(directions);
    case 'kind':
      return plain(kinds);
    case 'flag':
      return plain(flags);
    default:
      return [];
  }
}

export function complete(text: string, caret: number, known: Known): Completions {
  const before = text.slice(0, caret);
  const word = /[^\s()]*$/.exec(before)?.[0].replace(/^[-!]/, '') ?? '';
  const key = /^([a-z]+)[:=]/.exec(word)?.[1];
  const typed = key === undefined ? word : (/[^:=,]*$/.exec(word)?.[0] ?? '');
  const start = caret - typed.length;
  const end = caret + (/^[^\s(),]*/.exec(text.slice(caret))?.[0].length ?? 0);
  const all: Completion[] =
    key === undefined
      ? Object.entries(known.keys).map(([text, hint]) => ({ text, hint }))
      : valuesOf(key, known);
  const lower = typed.toLowerCase();
  const list = all.filter(
    (each) => each.text !== typed && `${each.text} ${each.hint}`.toLowerCase().includes(lower),
  );
  const begins = ({ text }: Completion): number => (text.toLowerCase().startsWith(lower) ? 0 : 1);
  list.sort((one, two) => begins(one) - begins(two));
  return { start, end, list: list.slice(0, MAX) };
}
