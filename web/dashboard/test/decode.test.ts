import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeFrame, isEvent } from '../src/protocol/decode';
import { gap, message, snapshot } from './support/events';

test('decode_frame_takes_a_snapshot_and_a_batch', () => {
  assert.deepEqual(decodeFrame(JSON.stringify(snapshot('a', 3))), snapshot('a', 3));
  const batch = { type: 'events', run: 'a', events: [message(1), gap(2, 3)] };
  assert.deepEqual(decodeFrame(JSON.stringify(batch)), batch);
});

test('decode_frame_leaves_out_events_that_it_does_not_know', () => {
  const events = [message(1), { seq: 2, kind: 'future' }, { kind: 'message' }, null, message(3)];
  const frame = decodeFrame(JSON.stringify({ type: 'events', run: 'a', events }));
  assert.deepEqual(frame.type === 'events' && frame.events, [message(1), message(3)]);
});

test('decode_frame_of_something_else_says_what_is_wrong', () => {
  const cases: [string, RegExp][] = [
    ['nonsense', /JSON/],
    ['null', /without "run"/],
    ['{"type":"events","run":"a"}', /without "events"/],
    ['{"type":"snapshot","run":"a","seq":1}', /snapshot without/],
    ['{"type":"surprise","run":"a"}', /unknown type "surprise"/],
  ];
  for (const [text, why] of cases) assert.throws(() => decodeFrame(text), why, text);
});

test('is_event_asks_for_what_the_page_shows', () => {
  assert.equal(isEvent(message(1)), true);
  assert.equal(isEvent({ ...message(1), size: '5' }), false);
  assert.equal(isEvent({ ...message(1), text: undefined }), false);
  assert.equal(isEvent({ ...message(1), text: undefined, base64: 'AA==' }), true);
  assert.equal(isEvent({ ...message(1), kind: 'opened' }), false);
  assert.equal(isEvent({ ...message(1), kind: 'error', detail: 'x' }), true);
  assert.equal(isEvent({ ...message(1), kind: 'dropped' }), false);
  assert.equal(isEvent({ ...message(1), kind: 'dropped', count: 3, bytes: 30 }), true);
  assert.equal(isEvent({ ...message(1), kind: 'closed', reason: 'peer', status: 'ok' }), true);
});
