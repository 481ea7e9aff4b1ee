// The filter before the table that the service's own is held to.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { complete } from '../src/filter/complete';
import { parseFilter } from '../src/filter/parse';
import { Subject } from '../src/filter/subject';
import { findMarks } from '../src/payload/marks';
import type { Peer } from '../src/protocol/event';
import { message } from './support/events';

declare const SOURCE: string;

interface Golden {
  readonly peers: Readonly<Record<string, Peer>>;
  readonly events: readonly Record<string, unknown>[];
  readonly matches: readonly { readonly filter: string; readonly matches: readonly number[] }[];
  readonly refused: readonly { readonly filter: string; readonly offset: number }[];
}

const golden = JSON.parse(
  readFileSync(path.join(SOURCE, '../../tests/golden/filters.json'), 'utf8'),
) as Golden;

/** Nothing is known of session 9. */
const peerOf = (session: number): Peer | undefined => golden.peers[session];

function subjectOf(sample: Record<string, unknown>): Subject {
  const { text: _, ...rest } = message(1);
  const hex = typeof sample.hex === 'string' ? Buffer.from(sample.hex, 'hex') : null;
  const payload =
    hex === null
      ? { size: Buffer.byteLength(String(sample.text ?? '')) }
      : { size: hex.length, base64: hex.toString('base64') };
  const hasPayload = sample.kind === 'message' || sample.kind === 'injected';
  const event = { ...rest, ...sample, ...(hasPayload ? payload : {}) } as Subject['event'];
  if (hasPayload) return new Subject(event, peerOf);
  const { size: _size, direction: _direction, ...bare } = event as unknown as Record<string, unknown>;
  return new Subject(bare as unknown as Subject['event'], peerOf);
}

function matchesOf(filter: string): number[] {
  const parsed = parseFilter(filter);
  if (!parsed.ok) assert.fail(`${filter}: refused at ${parsed.offset}: ${parsed.detail}`);
  return golden.events.flatMap((sample, index) =>
    parsed.matches(subjectOf(sample)) > 0 ? [index] : [],
  );
}

test('filter_matches_what_the_table_says', () => {
  for (const { filter, matches } of golden.matches) assert.deepEqual(matchesOf(filter), matches, filter);
});

test('filter_refuses_with_the_place', () => {
  for (const { filter, offset } of golden.refused) {
    const parsed = parseFilter(filter);
    assert.equal(parsed.ok, false, filter);
    if (!parsed.ok) assert.equal(parsed.offset, offset, `${filter}: ${parsed.detail}`);
  }
});

test('filter_is_bounded', () => {
  assert.equal(parseFilter('a'.repeat(2049)).ok, false);
  assert.equal(parseFilter('a '.repeat(64)).ok, true);
  assert.equal(parseFilter('a '.repeat(65)).ok, false);
  assert.equal(parseFilter('('.repeat(200)).ok, false);
  assert.equal(parseFilter('-'.repeat(200)).ok, false);
});

test('filter_tells_what_to_mark', () => {
  const marks = (filter: string): string[] => {
    const parsed = parseFilter(filter);
    return parsed.ok ? parsed.marks.map((mark) => mark.source) : [];
  };
  assert.deepEqual(marks('seek kind:message /a+/'), ['seek', 'a+']);
  assert.deepEqual(marks('-seek not (a or -b)'), ['b']);
  assert.deepEqual(
    findMarks('a seek, Seek', [/seek/i]).map(({ text, isFound }) => (isFound ? `[${text}]` : text)),
    ['a ', '[seek]', ', ', '[Seek]'],
  );
  assert.equal(findMarks('x'.repeat(1000), [/x/]).filter(({ isFound }) => isFound).length, 20);
  assert.deepEqual(
    findMarks('abcd', [/bc/, /cd/, /$/]).map(({ text }) => text),
    ['a', 'bc', 'd'],
  );
});

test('completions_are_keys_and_then_values', () => {
  const known = {
    pipes: ['demo', 'log 1'],
    sessions: [{ id: 41, name: 'mpv' }],
    keys: { 'pipe:': 'a pipe', 'size>': 'bytes' },
  };
  const texts = (text: string): string[] =>
    complete(text, text.length, known).list.map((each) => each.text);
  assert.deepEqual(texts(''), ['pipe:', 'size>']);
  assert.deepEqual(texts('x pi'), ['pipe:']);
  assert.deepEqual(texts('pipe:'), ['demo', '"log 1"']);
  assert.deepEqual(texts('-pipe:demo,lo'), ['"log 1"']);
  assert.deepEqual(texts('session:mp'), ['41']);
  assert.deepEqual(texts('(kind:ope'), ['opened']);
  const { start, end } = complete('kind:op or x', 7, known);
  assert.deepEqual([start, end], [5, 7]);
});
