import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClosedEvent, OpenedEvent, PipeEvent, PipeInfo, SessionInfo } from '../src/protocol/event';
import { MessageLog } from '../src/store/message_log';
import { Store } from '../src/store/store';
import { FrameScheduler } from '../src/store/topic';
import { gap, message, snapshot } from './support/events';

const place = { wall_ns: 1e18, mono_ns: 1, pipe: 'demo' };
const peer = { pid: 7, uid: 1000, gid: 1000, name: 'socat' };
const none = { messages: 0, bytes: 0 };

const opened = (seq: number, session: number): OpenedEvent => ({
  ...place,
  kind: 'opened',
  seq,
  session,
  peer,
});
const closed = (seq: number, session: number): ClosedEvent => ({
  ...place,
  kind: 'closed',
  seq,
  session,
  wall_ns: 1e18 + 3.02e9,
  reason: 'peer',
  status: 'ok',
});
const session = (id: number): SessionInfo => ({
  id,
  pipe: 'demo',
  opened_wall_ns: 1e18,
  peer,
  c2s: none,
  s2c: none,
});
const pipe = (messages: number, bytes: number): PipeInfo => ({
  name: 'demo',
  role: 'server',
  transport: 'socket',
  access: 'duplex' as const,
  mode: 'byte',
  framing: 'line',
  path: '/run/demo.sock',
  reply: 'none',
  sessions: 0,
  sessions_total: 0,
  c2s: { messages, bytes },
  s2c: none,
  injected: 0,
  errors: 0,
});

const pipeEvent = (seq: number, kind: PipeEvent['kind'], state?: PipeInfo): PipeEvent => ({
  ...place,
  kind,
  seq,
  session: 0,
  pipe: state?.name ?? 'demo',
  ...(state && { state }),
});

function newStore(maxRows = 100) {
  const frames: (() => void)[] = [];
  const store = new Store(new FrameScheduler((routine) => frames.push(routine)), {
    maxRows,
    maxBytes: 1e9,
  });
  return { store, frames };
}

const seqs = (store: Store): number[] =>
  Array.from({ length: store.view.count }, (_, index) => store.view.at(index)?.event.seq ?? -1);

test('log_over_its_rows_lets_the_oldest_go', () => {
  const log = new MessageLog({ maxRows: 3, maxBytes: 1e9 });
  for (let seq = 1; seq <= 5; seq++) log.append('a', message(seq), '', 0);
  assert.deepEqual(
    log.rows.toArray().map((row) => row.event.seq),
    [3, 4, 5],
  );
  assert.equal(log.firstId, 2);
});

test('log_over_its_bytes_lets_the_oldest_go_but_keeps_the_newest', () => {
  const log = new MessageLog({ maxRows: 100, maxBytes: 5000 });
  log.append('a', message(1, { text: 'x'.repeat(1000) }), '', 0);
  log.append('a', message(2, { text: 'x'.repeat(1000) }), '', 0);
  assert.equal(log.rows.length, 2);
  log.append('a', message(3, { text: 'x'.repeat(100_000) }), '', 0);
  assert.deepEqual(
    log.rows.toArray().map((row) => row.event.seq),
    [3],
  );
});

test('view_with_a_filter_shows_its_pipe_and_session_and_every_gap', () => {
  const { store } = newStore();
  store.onEvents('a', [
    message(1),
    message(2, { pipe: 'other', session: 9 }),
    message(3, { session: 2 }),
    gap(4, 8),
    message(9, { session: 0, kind: 'injected' }),
  ]);
  store.setFilter('demo', null, '');
  assert.deepEqual(seqs(store), [1, 3, 8, 9]);
  store.setFilter('demo', 2, '');
  assert.deepEqual(seqs(store), [3, 8, 9]);
  store.onEvents('a', [message(10, { session: 2 }), message(11, { session: 1 })]);
  assert.deepEqual(seqs(store), [3, 8, 9, 10]);
});

test('view_shows_what_the_filter_box_asks_for_and_keeps_it_while_the_text_is_wrong', () => {
  const { store } = newStore();
  store.onEvents('a', [message(1), message(2, { text: 'a seek' }), gap(3, 4)]);
  store.setFilter(null, null, 'SEEK');
  assert.deepEqual(seqs(store), [2, 4]);
  store.setFilter(null, null, 'SEEK (');
  assert.deepEqual(seqs(store), [2, 4]);
  assert.equal(store.query.problem?.offset, 6);
  store.onEvents('a', [message(5), message(6, { text: 'seek on' })]);
  assert.deepEqual(seqs(store), [2, 4, 6]);
  store.setFilter(null, null, '');
  assert.deepEqual(seqs(store), [1, 2, 4, 5, 6]);
  assert.equal(store.query.problem, null);
});

test('view_with_a_filter_lets_go_of_what_the_log_let_go', () => {
  const { store } = newStore(4);
  store.setFilter('demo', null, '');
  for (let seq = 1; seq <= 10; seq++)
    store.onEvents('a', [message(seq, seq % 2 === 0 ? {} : { pipe: 'other' })]);
  assert.deepEqual(seqs(store), [8, 10]);
  assert.equal(store.view.dropped, 3);
});

test('view_paused_stands_still_and_counts_what_waits', () => {
  const { store } = newStore(4);
  store.onEvents('a', [message(1), message(2)]);
  store.setPaused(true);
  store.onEvents('a', [message(3), message(4), message(5), message(6), message(7)]);
  assert.deepEqual(seqs(store), [1, 2]);
  assert.equal(store.view.waiting, 5);
  store.setPaused(false);
  assert.deepEqual(seqs(store), [4, 5, 6, 7]);
  assert.equal(store.view.waiting, 0);
});

test('view_index_of_finds_a_row_or_the_next_one', () => {
  const { store } = newStore(3);
  store.onEvents('a', [message(1), message(2), message(3), message(4), message(5)]);
  assert.equal(store.view.indexOf(3), 1);
  assert.equal(store.view.indexOf(0), 0);
  assert.equal(store.view.indexOf(99), 3);
});

test('store_names_the_session_of_a_row_by_its_peer', () => {
  const { store } = newStore();
  store.onEvents('a', [opened(1, 1), message(2), closed(3, 1), message(4, { session: 5 })]);
  const names = [0, 1, 2, 3].map((index) => store.view.at(index)?.peerName);
  assert.deepEqual(names, ['socat', 'socat', 'socat', '']);
  assert.equal(store.view.at(2)?.openedWallNs, 1e18);
});

test('store_keeps_a_closed_session_with_its_reason', () => {
  const { store } = newStore();
  store.onEvents('a', [opened(1, 1), closed(2, 1)]);
  assert.equal(store.sessions.open.size, 0);
  assert.equal(store.sessions.get(1)?.closed?.reason, 'peer');
});

test('store_keeps_a_bounded_number_of_closed_sessions', () => {
  const { store } = newStore();
  for (let id = 1; id <= 600; id++) store.onEvents('a', [opened(id * 2, id), closed(id * 2 + 1, id)]);
  assert.equal(store.sessions.closed.size, 500);
  assert.equal(store.sessions.get(1), undefined);
});

test('store_takes_sessions_from_a_snapshot_and_forgets_those_of_another_run', () => {
  const { store } = newStore();
  store.onSnapshot({ ...snapshot('a', 1), sessions: [session(1)] });
  assert.equal(store.sessions.open.size, 1);
  store.onSnapshot({ ...snapshot('b', 1), sessions: [session(1), session(2)] });
  assert.deepEqual([...store.sessions.open.keys()], [1, 2]);
});

test('sessions_list_older_than_an_opening_does_not_close_it', () => {
  const { store } = newStore();
  store.onEvents('a', [opened(1, 1)]);
  store.onSessions('demo', []);
  assert.equal(store.sessions.open.size, 1);
  store.onSessions('demo', []);
  assert.equal(store.sessions.open.size, 0);
});

test('sessions_list_older_than_a_closing_does_not_open_it_again', () => {
  const { store } = newStore();
  store.onEvents('a', [opened(1, 1), closed(2, 1)]);
  store.onSessions(null, [session(1)]);
  assert.equal(store.sessions.open.size, 0);
});

test('rates_are_differences_of_the_services_counters', () => {
  const { store } = newStore();
  store.onPipes([pipe(100, 1000)], 0);
  assert.equal(store.total.messagesPerSecond, 0);
  store.onPipes([pipe(150, 3000)], 500);
  assert.equal(store.total.messagesPerSecond, 100);
  assert.equal(store.total.bytesPerSecond, 4000);
  assert.deepEqual(store.pipe('demo')?.rate.history, [{ atMs: 500, messages: 100, bytes: 4000 }]);
});

test('rates_do_not_compare_counters_of_two_runs', () => {
  const { store } = newStore();
  store.onPipes([pipe(100, 1000)], 0);
  store.onPipes([pipe(5, 50)], 1000);
  assert.equal(store.total.messagesPerSecond, 0);
  store.onPipes([pipe(15, 150)], 2000);
  assert.equal(store.total.messagesPerSecond, 10);
});

test('pipes_come_change_and_go_with_their_events', () => {
  const { store } = newStore();
  store.onSnapshot({ ...snapshot('a', 5), pipes: [pipe(0, 0)] });
  const names = () => store.pipes.map(({ info }) => `${info.name} ${info.reply}`);
  store.onEvents('a', [pipeEvent(4, 'pipe_removed')]); /* of what the snapshot knows already */
  assert.deepEqual(names(), ['demo none']);
  store.onEvents('a', [pipeEvent(6, 'pipe_added', { ...pipe(0, 0), name: 'added' })]);
  assert.deepEqual(names(), ['demo none', 'added none']);
  store.onEvents('a', [pipeEvent(7, 'pipe_changed', { ...pipe(0, 0), reply: 'echo' })]);
  assert.deepEqual(names(), ['demo echo', 'added none']);
  store.onEvents('a', [pipeEvent(8, 'pipe_removed', { ...pipe(0, 0), name: 'added' })]);
  assert.deepEqual(names(), ['demo echo']);
  assert.equal(store.view.count, 4);
});

test('topics_tell_once_a_frame', () => {
  const { store, frames } = newStore();
  let heard = 0;
  store.messagesTopic.subscribe(() => {
    heard += 1;
  });
  store.onEvents('a', [message(1)]);
  store.onEvents('a', [message(2)]);
  assert.equal(heard, 0);
  assert.equal(frames.length, 1);
  frames[0]?.();
  assert.equal(heard, 1);
  store.onEvents('a', [message(3)]);
  assert.equal(frames.length, 2);
});

test('sessions_are_sorted_by_a_column_either_way', () => {
  const { store } = newStore();
  const list = [3, 1, 2].map((id) => ({
    ...session(id),
    peer: { ...peer, name: `n${4 - id}` },
    c2s: { messages: 0, bytes: id === 2 ? 9 : 1 },
  }));
  store.onSessions(null, list);
  const ids = (column: 'session' | 'process' | 'c2s', isDescending = false): number[] =>
    store.sessions.sorted(null, { column, isDescending }).map(({ info }) => info.id);
  assert.deepEqual(ids('session', true), [3, 2, 1]);
  assert.deepEqual(ids('process'), [3, 2, 1]);
  assert.deepEqual(ids('c2s', true), [2, 1, 3]);
});
