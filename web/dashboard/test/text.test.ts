import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choose, closeness } from '../src/store/palette';
import { formatRoute, parseRoute } from '../src/store/route';
import {
  injectCommand,
  readCommand,
  shellQuote,
  socatCommand,
  writeCommand,
} from '../src/text/commands';
import { en } from '../src/text/en';
import { formatBytes, formatDuration, formatRate } from '../src/text/format';
import { gap } from './support/events';

const pipe = {
  name: 'demo',
  role: 'server',
  transport: 'socket',
  access: 'duplex' as const,
  mode: 'byte' as 'byte' | 'message',
  framing: 'line',
  path: '/run/pipebridge/demo.sock',
  reply: 'none',
  sessions: 0,
  sessions_total: 0,
  c2s: { messages: 0, bytes: 0 },
  s2c: { messages: 0, bytes: 0 },
  injected: 0,
  errors: 0,
};

test('route_survives_the_address', () => {
  const route = { pipe: 'a b&c', tab: 'sessions' as const, session: 41, query: 'a or "b c"' };
  assert.deepEqual(parseRoute(formatRoute(route)), route);
  assert.deepEqual(parseRoute(''), { pipe: null, tab: 'messages', session: null, query: '' });
  assert.deepEqual(parseRoute('#session=41'), { pipe: null, tab: 'messages', session: null, query: '' });
  assert.deepEqual(parseRoute('#pipe=a&session=-1&tab=x'), {
    pipe: 'a',
    tab: 'messages',
    session: null,
    query: '',
  });
});

test('format_rate_is_short', () => {
  const cases: [number, string][] = [
    [0, '0/s'],
    [0.02, '0.1/s'],
    [12, '12/s'],
    [340.4, '340/s'],
    [999.9, '1.0k/s'],
    [17_800, '17.8k/s'],
    [1_250_000, '1.3M/s'],
  ];
  for (const [value, text] of cases) assert.equal(formatRate(value), text);
});

test('format_bytes_and_durations', () => {
  assert.equal(formatBytes(58), '58 B');
  assert.equal(formatBytes(2_600_000), '2.6 MB');
  assert.equal(formatDuration(3020), '3.02 s');
  assert.equal(formatDuration(250_000), '4 min 10 s');
});

test('words_of_a_gap_say_how_many_which_and_why', () => {
  assert.equal(
    en.table.gap(gap(88_112, 89_315)),
    '1,204 events not shown: this page fell behind (seq 88,112–89,315)',
  );
  assert.match(en.table.gap({ ...gap(1, 0, 'run'), count: 0 }), /restarted: another run begins here\. /);
  assert.match(en.table.gap(gap(5, 5, 'untold')), /1 event not shown: .* \(seq 5\)/);
});

test('commands_are_safe_to_paste', () => {
  assert.equal(socatCommand(pipe), 'socat - UNIX-CONNECT:/run/pipebridge/demo.sock');
  assert.equal(
    socatCommand({ ...pipe, mode: 'message' }),
    'socat - UNIX-CONNECT:/run/pipebridge/demo.sock,socktype=5',
  );
  assert.equal(socatCommand({ ...pipe, path: '/a b,c.sock' }), "socat - 'UNIX-CONNECT:/a b\\,c.sock'");
  assert.equal(writeCommand({ ...pipe, path: '/a b.fifo' }), "echo hello > '/a b.fifo'");
  assert.equal(readCommand({ ...pipe, path: '/a.fifo' }), 'cat /a.fifo');
  assert.equal(shellQuote("it's"), "'it'\\''s'");
  assert.equal(
    injectCommand('http://127.0.0.1:7117', pipe),
    "curl --data-binary 'hello' http://127.0.0.1:7117/api/v1/pipes/demo/messages",
  );
  assert.equal(
    injectCommand('http://127.0.0.1:7117', { ...pipe, role: 'tap' }),
    "curl --data-binary 'hello' 'http://127.0.0.1:7117/api/v1/pipes/demo/messages?direction=c2s'",
  );
});

test('a_client_pipe_says_who_is_who_and_where_it_stands', () => {
  const peer = { pid: 12, uid: 1000, gid: 1000, name: 'mpv' };
  assert.equal(en.table.opened(peer, true), 'connected to mpv (pid 12, uid 1000)');
  assert.equal(en.table.opened(peer, false), 'opened by mpv (pid 12, uid 1000)');
  assert.equal(en.table.opened({ ...peer, user: 'alice' }, false), 'opened by mpv (pid 12, alice)');
  const nothing = { messages: 0, bytes: 0 };
  const away = { connected: false, failed: 3, failure: 'not_found', queued: nothing };
  assert.equal(en.main.away(away), 'not connected (not found), tries again');
  assert.equal(
    en.main.away({ connected: false, failed: 0, queued: { messages: 2, bytes: 9 } }),
    'not connected, tries again; 2 messages kept',
  );
  const kept = { run: '', pipe: 'mpv', session: 0, bytes: 5, seq: 0, targets: 1 };
  assert.equal(
    en.composer.delivered({ ...kept, delivered: 0, queued: 1, refused: 0 }),
    'kept until the server is there · 5 B',
  );
});

test('text_says_of_a_program_what_is_known', () => {
  const peer = { pid: 12, uid: 1000, gid: 1000, name: 'mpv' };
  assert.deepEqual(en.detail.program(peer), []);
  assert.equal(en.detail.peer({ ...peer, user: 'alice' }), 'pid 12 · alice');
  assert.deepEqual(
    en.detail.program({
      ...peer,
      command_line: ['mpv', '--title=two words', "it's", ''],
      command_line_is_cut: true,
      executable: '/usr/bin/mpv',
      executable_is_current: false,
      unit: 'app-mpv.scope',
      container: 'web',
    }),
    [
      "mpv '--title=two words' 'it'\\''s' '' …",
      '/usr/bin/mpv (not the file there now)',
      'unit app-mpv.scope',
      'container web',
    ],
  );
});

test('the_palette_puts_what_is_meant_first', () => {
  const of = (name: string, hint = 'pipe') => ({ id: name, name, hint, run: () => undefined });
  const names = (text: string): string[] =>
    choose([of('demo'), of('my-demo'), of('other'), of('#41 mpv', 'session of demo')], text).map(
      ({ name }) => name,
    );
  assert.deepEqual(names(''), ['demo', 'my-demo', 'other', '#41 mpv']);
  assert.deepEqual(names('dem'), ['demo', 'my-demo', '#41 mpv']);
  assert.deepEqual(names('41'), ['#41 mpv']);
  assert.deepEqual(names('mpv demo'), ['#41 mpv']);
  assert.deepEqual(names('otr'), ['other']);
  assert.equal(closeness('demo', 'x'), 0);
});
