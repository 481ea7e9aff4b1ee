import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from '../src/connection/backoff';
import { Connection } from '../src/connection/connection';
import { FakeHost, gap, message, Recorder, snapshot } from './support/events';

function begin(history = 100) {
  const host = new FakeHost();
  const sink = new Recorder();
  const connection = new Connection(host, sink, history);
  connection.start();
  return { host, sink, connection };
}

test('connection_start_before_any_event_is_live_at_once', () => {
  const { host, sink } = begin();
  assert.equal(host.last.since, undefined);
  host.say(snapshot('a', 0));
  assert.equal(sink.state?.kind, 'live');
  assert.equal(host.opened.length, 1);
});

test('connection_start_in_a_running_service_goes_back_for_the_past', () => {
  const { host, sink } = begin();
  host.say(snapshot('a', 30));
  assert.equal(host.opened[0]?.isClosed, true);
  assert.equal(host.last.since, 'a:0');
  host.say(snapshot('a', 30));
  host.sayEvents('a', [message(1)]);
  assert.equal(sink.events.length, 1);
});

test('connection_start_far_into_a_run_says_what_it_leaves_out', () => {
  const { host, sink } = begin(100);
  host.say(snapshot('a', 1000));
  assert.equal(host.last.since, 'a:900');
  assert.deepEqual(sink.events, [gap(1, 900, 'before')]);
});

test('connection_lost_counts_down_and_resumes_behind_the_last_event', () => {
  const { host, sink } = begin();
  host.say(snapshot('a', 0));
  host.sayEvents('a', [message(1), message(2)]);
  host.last.callbacks.onClose(1006, '');
  assert.deepEqual(sink.state, {
    kind: 'waiting',
    lostAtMs: 1000,
    retryAtMs: 1500,
    why: 'the connection was lost',
  });
  host.pass(499);
  assert.equal(host.opened.length, 1);
  host.pass(1);
  assert.equal(host.last.since, 'a:2');
  host.say(snapshot('a', 3));
  host.sayEvents('a', [message(3)]);
  assert.equal(sink.state?.kind, 'live');
  assert.deepEqual(
    sink.events.map((event) => event.seq),
    [1, 2, 3],
  );
});

test('connection_lost_again_and_again_waits_longer_up_to_a_limit', () => {
  const { host } = begin();
  const waits: number[] = [];
  for (let attempt = 0; attempt < 8; attempt++) {
    host.last.callbacks.onClose(1006, '');
    const before = host.now;
    while (host.opened.length === attempt + 1) host.pass(100);
    waits.push(host.now - before);
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 10000, 10000, 10000]);
});

test('connection_remembers_when_it_was_lost_first', () => {
  const { host, sink } = begin();
  host.say(snapshot('a', 0));
  host.last.callbacks.onClose(1001, '');
  host.pass(500);
  assert.deepEqual(sink.state, { kind: 'connecting', lostAtMs: 1000 });
  host.last.callbacks.onClose(1006, '');
  assert.equal(sink.state?.kind === 'waiting' && sink.state.lostAtMs, 1000);
});

test('connection_retry_now_ends_the_countdown', () => {
  const { host, connection } = begin();
  host.last.callbacks.onClose(1006, '');
  connection.retryNow();
  assert.equal(host.opened.length, 2);
  host.say(snapshot('a', 0));
  host.pass(60_000);
  assert.equal(host.opened.length, 2, 'the countdown is over for good');
});

test('connection_retry_now_while_live_does_nothing', () => {
  const { host, connection } = begin();
  host.say(snapshot('a', 0));
  connection.retryNow();
  assert.equal(host.opened.length, 1);
});

test('connection_without_an_answer_gives_up_and_tries_again', () => {
  const { host, sink } = begin();
  host.pass(10_000);
  assert.equal(sink.state?.kind, 'waiting');
  assert.equal(host.last.isClosed, true);
});

test('connection_that_cannot_read_a_message_starts_over_from_what_it_has', () => {
  const { host, sink } = begin();
  host.say(snapshot('a', 0));
  host.sayEvents('a', [message(1)]);
  host.last.callbacks.onMessage('{"type":"surprise","run":"a"}');
  assert.equal(sink.state?.kind, 'waiting');
  host.pass(500);
  assert.equal(host.last.since, 'a:1');
});

test('connection_ignores_what_a_dropped_socket_still_says', () => {
  const { host, sink } = begin();
  host.say(snapshot('a', 0));
  const old = host.last;
  old.callbacks.onClose(1006, '');
  host.pass(500);
  old.callbacks.onMessage(JSON.stringify({ type: 'events', run: 'a', events: [message(1)] }));
  old.callbacks.onClose(1006, '');
  assert.equal(sink.events.length, 0);
  assert.equal(sink.state?.kind, 'connecting');
});

test('connection_to_another_run_passes_its_gap_on', () => {
  const { host, sink } = begin();
  host.say(snapshot('a', 0));
  host.sayEvents('a', [message(1)]);
  host.last.callbacks.onClose(1006, '');
  host.pass(500);
  host.say(snapshot('b', 1));
  const told = { ...gap(1, 0, 'run'), count: 0 };
  host.sayEvents('b', [told, message(1)]);
  assert.deepEqual(sink.events.slice(1), [told, message(1)]);
});

test('backoff_spreads_around_its_value', () => {
  assert.equal(backoffMs(1, 0), 400);
  assert.equal(backoffMs(1, 0.999_999), 600);
  assert.equal(backoffMs(100, 0.5), 10_000);
});
