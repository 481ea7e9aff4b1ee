import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sequence } from '../src/protocol/sequence';
import { gap, message } from './support/events';

const seqs = (events: readonly { seq: number }[]): number[] => events.map((event) => event.seq);

function begun(): Sequence {
  const sequence = new Sequence();
  sequence.begin('a', 0);
  return sequence;
}

test('sequence_accept_in_order_passes_everything', () => {
  const sequence = begun();
  assert.deepEqual(seqs(sequence.accept('a', [message(1), message(2)])), [1, 2]);
  assert.equal(sequence.since, 'a:2');
});

test('sequence_accept_drops_what_was_seen', () => {
  const sequence = begun();
  sequence.accept('a', [message(1), message(2)]);
  assert.deepEqual(seqs(sequence.accept('a', [message(2), message(3)])), [3]);
});

test('sequence_accept_with_a_hole_that_nobody_told_adds_a_gap', () => {
  const sequence = begun();
  const out = sequence.accept('a', [message(1), message(5)]);
  assert.deepEqual(out[1], { kind: 'gap', seq: 4, from: 2, to: 4, count: 3, reason: 'untold' });
  assert.deepEqual(seqs(out), [1, 4, 5]);
});

test('sequence_accept_a_told_gap_counts_as_seen', () => {
  const sequence = begun();
  assert.deepEqual(seqs(sequence.accept('a', [message(1), gap(2, 9), message(10)])), [1, 9, 10]);
  assert.equal(sequence.since, 'a:10');
});

test('sequence_accept_a_gap_that_begins_late_tells_of_the_rest', () => {
  const sequence = begun();
  const out = sequence.accept('a', [gap(3, 9)]);
  assert.deepEqual(out, [gap(1, 2, 'untold'), gap(3, 9)]);
});

test('sequence_accept_another_run_begins_anew', () => {
  const sequence = begun();
  sequence.accept('a', [message(1), message(2), message(3)]);
  const told = { ...gap(1, 0, 'run'), count: 0 };
  assert.deepEqual(sequence.accept('b', [told, message(1)]), [told, message(1)]);
  assert.equal(sequence.since, 'b:1');
});

test('sequence_accept_another_run_with_lost_events_continues_behind_them', () => {
  const sequence = begun();
  sequence.accept('a', [message(1)]);
  const out = sequence.accept('b', [gap(1, 7, 'run'), message(8)]);
  assert.deepEqual(seqs(out), [7, 8]);
});
