// Chromium's own WebSocket at both raw routes, as a page of somebody else would use it: no dashboard, no word of ours.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { talk, viewDesktop } from '../support/websocket_talk.mjs';
import { Bridge, until } from './support/bridge.mjs';
import { openBrowser, openPage } from './support/browser.mjs';

const MIB = 1 << 20;
const here = path.dirname(fileURLToPath(import.meta.url));
const limits = { max_message_bytes: 8 * MIB };
const client = { role: 'client', shared: false };
const config = {
  events: { queue_bytes: 64 * MIB },
  pipes: [
    { name: 'near', role: 'server', framing: 'length32be', path: 'near.sock', limits },
    { name: 'far', ...client, framing: 'length32be', path: 'far.sock', limits },
    { name: 'leaves', ...client, framing: 'line', path: 'leaves.sock' },
    { name: 'nobody', ...client, framing: 'line', path: 'nobody.sock' },
    { name: 'vnc', ...client, framing: 'none', path: 'vnc.sock' },
  ],
};

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());

/** A bridge, its page, and servers that say back what they hear, or one word and go. */
async function withPipes(body, http = {}) {
  const bridge = new Bridge({ ...config, http });
  mkdirSync(bridge.run, { mode: 0o700 });
  const servers = [
    net.createServer((end) => end.on('error', () => {}).pipe(end)).listen(bridge.path('far')),
    net.createServer((end) => end.end('goodbye\n')).listen(bridge.path('leaves')),
  ];
  await bridge.start();
  try {
    const near = net.connect(bridge.path('near'));
    near.on('error', () => {}).pipe(near);
    const { page } = await openPage(browser, bridge.url);
    await body({ bridge, page, at: (route) => `ws://127.0.0.1:${bridge.port}/api/v1/pipes/${route}` });
    await page.close();
    near.destroy();
  } finally {
    for (const server of servers) server.close();
    await bridge.end();
  }
}

const messages = [
  { type: 'text', size: 7 },
  { type: 'text', size: 0 },
  { type: 'binary', size: 0 },
  { type: 'binary', size: 125 },
  { type: 'binary', size: 65536 },
  { type: 'text', size: 7 * 10000 },
  { type: 'binary', size: 4 * MIB },
];

function told({ type, size }, isBinary) {
  const unit = Buffer.from(Array.from({ length: 256 }, (_, index) => (index * 7 + 13) & 255));
  const data = type === 'text' ? Buffer.from('aä🦀'.repeat(size / 7)) : Buffer.alloc(size, unit);
  const digest = createHash('sha256').update(data).digest('hex');
  return { type: isBinary || (type === 'binary' && size > 0) ? 'binary' : 'text', size, digest };
}

const routes = ['far/connect', 'near/ws'];
for (const [route, compression] of routes.flatMap((route) => [
  [route, 'off'],
  [route, 'on'],
])) {
  test(`a_page_talks_to_${route.replace('/', '_by_')}_with_compression_${compression}`, () =>
    withPipes(
      async ({ page, at }) => {
        for (const protocols of [[], ['binary']]) {
          const isBinary = protocols.length > 0;
          const result = await page.evaluate(talk, { url: at(route), protocols, messages });
          assert.deepEqual(
            result.heard,
            messages.map((message) => told(message, isBinary)),
          );
          assert.equal(result.protocol, isBinary ? 'binary' : '');
          assert.equal(result.extensions.includes('permessage-deflate'), compression === 'on');
          assert.deepEqual([result.close.code, result.close.wasClean], [1000, true]);
        }
      },
      { compression },
    ));
}

test('a_page_is_told_why_its_session_ended', () =>
  withPipes(async ({ page, at }) => {
    const plan = { protocols: [], messages: [], closes: false };
    const left = await page.evaluate(talk, { url: at('leaves/connect'), ...plan });
    assert.deepEqual(
      left.heard.map(({ type, size }) => [type, size]),
      [['text', 7]],
    );
    assert.deepEqual(left.close, {
      code: 1000,
      reason: 'the server closed the session',
      wasClean: true,
    });
    const refused = await page.evaluate(talk, { url: at('nobody/connect'), ...plan });
    assert.equal(refused.close.code, 1006);
    const long = { ...plan, messages: [{ type: 'binary', size: 9 * MIB }] };
    const over = await page.evaluate(talk, { url: at('far/connect'), ...long });
    assert.equal(over.close.code, 1009);
  }));

test('a_page_sees_a_desktop_as_by_novnc', () =>
  withPipes(async ({ bridge, page, at }) => {
    const server = spawn('python3', [
      path.join(here, '../e2e/programs/vnc_server.py'),
      bridge.path('vnc'),
    ]);
    await once(server.stdout, 'data');
    const seen = await page.evaluate(viewDesktop, { url: at('vnc/connect') });
    assert.deepEqual([seen.protocol, seen.name, seen.pixels], ['binary', 'a small desktop', 64000]);
    await until('the session has ended', async () => {
      const answer = await (await fetch(`${bridge.url}api/v1/sessions?pipe=vnc`)).json();
      return answer.sessions.length === 0;
    });
    server.kill();
  }));
