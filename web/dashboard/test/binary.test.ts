import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { decodeBinary } from '../src/protocol/binary';
import { snapshot } from './support/events';

declare const SOURCE: string;

const golden = new Uint8Array(readFileSync(path.join(SOURCE, '../../tests/golden/events.v1.bin')));
const names = ['demo', 'exact'];
const decode = (bytes: Uint8Array) =>
  decodeBinary(bytes.slice().buffer, (index) => names[index] ?? `#${index}`);

/** Numbers that need all their bytes: 0x1122334455667788 is rounded, as JSON.parse rounds it. */
const place = { wall_ns: Number(0x1122334455667788n), mono_ns: 0x99aabbcc, session: 0x100000007 };

test('decode_binary_reads_the_golden_message', () => {
  assert.deepEqual(decode(golden), {
    type: 'events',
    run: '0011223344556677',
    events: [
      {
        seq: 1,
        kind: 'message',
        ...place,
        pipe: 'exact',
        direction: 'c2s',
        flags: ['incomplete'],
        targets: 0,
        size: 5,
        payload: Uint8Array.of(0x00, 0xff, 0x80, 0x68, 0x69),
      },
      {
        seq: 2,
        kind: 'injected',
        ...place,
        pipe: 'exact',
        direction: 's2c',
        targets: 3,
        size: 2,
        payload: Uint8Array.of(0x6f, 0x6b),
        by: { via: 'http', address: '127.0.0.1:40112' },
      },
      { seq: 3, kind: 'error', ...place, pipe: 'demo', detail: 'too large' },
      { seq: 4, kind: 'closed', ...place, pipe: 'demo', reason: 'peer', status: 'ok' },
      {
        seq: 5,
        kind: 'pipe_added',
        ...place,
        session: 0,
        pipe: 'exact',
        state: { name: 'exact', index: 1 },
      },
      { seq: 0x100000000, kind: 'gap', from: 6, to: 0x100000000, count: 12, reason: 'slow' },
    ],
  });
});

test('decode_binary_refuses_a_message_that_is_cut_anywhere', () => {
  for (let size = 0; size < golden.length; size++) {
    assert.throws(() => decode(golden.subarray(0, size)), /bytes|no whole event/, `${size} bytes`);
  }
  assert.throws(() => decode(Uint8Array.of(...golden, 0)), /1 bytes too many/);
});

test('decode_binary_says_what_else_is_wrong', () => {
  const changes: [number, number, RegExp][] = [
    [0, 2, /version 2/],
    [1, 3, /unknown type 3/],
    [16, 0x3c, /an event of 60 bytes with 5 of payload at 16/],
    [16 + 52, 1, /an event of 61 bytes/],
  ];
  for (const [at, value, why] of changes) {
    const changed = golden.slice();
    changed[at] = value;
    assert.throws(() => decode(changed), why, `${at} = ${value}`);
  }
});

test('decode_binary_leaves_out_what_it_does_not_know', () => {
  const changed = golden.slice();
  changed[16 + 7] = 0x80; // a flag
  assert.deepEqual(decode(changed), decode(golden));
  changed[16 + 5] = 9; // a direction
  const batch = decode(changed);
  const numbers = batch.type === 'events' && batch.events.map((event) => event.seq);
  assert.deepEqual(numbers, [2, 3, 4, 5, 0x100000000]);
});

test('decode_binary_reads_a_snapshot', () => {
  const text = new TextEncoder().encode(JSON.stringify(snapshot('0011223344556677', 7)));
  const message = Uint8Array.of(...golden.subarray(0, 16), ...text);
  message[1] = 1;
  assert.deepEqual(decode(message), snapshot('0011223344556677', 7));
});
