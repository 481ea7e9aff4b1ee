import assert from 'node:assert/strict';
import { test } from 'node:test';
import { difference } from '../src/payload/difference';
import type { Direction } from '../src/protocol/event';
import { Pairing } from '../src/store/pairing';
import type { Row } from '../src/store/row';
import { formatDelta, formatUtcTime } from '../src/text/format';
import { message } from './support/events';

function pairsOf(said: readonly (readonly [Direction, string, number?])[]): (number | null)[] {
  const pairing = new Pairing();
  return said.map(([direction, text, session = 1], index) => {
    const row: Row = {
      id: index,
      run: 'a',
      event: message(index, { direction, text, session }),
      peerName: '',
      openedWallNs: 0,
    };
    pairing.add(row);
    assert.equal(row.answers?.answeredBy ?? row, row);
    return row.answers?.id ?? null;
  });
}

test('answers_are_found_by_the_id_of_their_question', () => {
  assert.deepEqual(
    pairsOf([
      ['c2s', '{"jsonrpc":"2.0","id":1,"method":"a"}'],
      ['c2s', '{"jsonrpc":"2.0","id":"x","method":"b"}'],
      ['s2c', '{"jsonrpc":"2.0","method":"note"}'],
      ['s2c', '{"jsonrpc":"2.0","id":"x","result":1}'],
      ['s2c', '{"id":1,"result":2}'],
      ['s2c', '{"id":1,"result":3}'],
    ]),
    [null, null, null, 1, 0, null],
  );
});

test('answers_of_mpv_and_of_debug_adapters_are_found', () => {
  assert.deepEqual(
    pairsOf([
      ['c2s', '{"command":["observe_property",1,"time-pos"],"request_id":7}'],
      ['s2c', '{"event":"property-change","id":7}'],
      ['s2c', '{"request_id":7,"error":"success"}'],
      ['c2s', '{"seq":3,"type":"request"}'],
      ['s2c', '{"seq":9,"type":"response","request_seq":3}'],
    ]),
    [null, null, 0, null, 3],
  );
});

test('answers_of_another_session_or_the_same_direction_are_none', () => {
  assert.deepEqual(
    pairsOf([
      ['c2s', '{"id":1}', 1],
      ['s2c', '{"id":1}', 2],
      ['c2s', '{"id":1}', 1],
      ['s2c', 'id 1, no object', 1],
    ]),
    [null, null, null, null],
  );
});

test('difference_is_told_line_by_line', () => {
  const lines = difference('{\n  "a": 1,\n  "b": 2\n}', '{\n  "a": 1,\n  "b": 3\n}');
  assert.deepEqual(
    lines?.map(({ kind, text }) => `${kind} ${text}`),
    ['same {', 'same   "a": 1,', 'removed   "b": 2', 'added   "b": 3', 'same }'],
  );
  assert.equal(difference('x'.repeat(300_000), ''), null);
});

test('deltas_have_a_sign_and_microseconds', () => {
  assert.equal(formatDelta(4_000_000), '+0.004000');
  assert.equal(formatDelta(-12_500_000_000), '−12.500000');
  assert.equal(formatDelta(0), '+0.000000');
  assert.equal(formatUtcTime(1_700_000_000_123_000_000), '22:13:20.123');
});
