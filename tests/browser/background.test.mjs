// A tab in the background: its page stands still, or has little of the processor, and what it misses is told to the
// event. A driven Chromium takes each of its pages for visible and freezes none, so the debugger stops this one: as in a
// frozen page no script runs, and what comes for it waits in the browser until that is full.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { Bridge, until } from './support/bridge.mjs';
import { live, openBrowser, openPage } from './support/browser.mjs';

const BATCH = 1000;
const LINE = `${'x'.repeat(63)}\n`;

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());

/** Runs in the page: an observer that keeps the ledger of `received + gaps = produced`. */
function observe() {
  const tally = { first: null, last: 0, received: 0, missed: 0, gaps: 0, wrong: '' };
  globalThis.tally = tally;
  const socket = new WebSocket(`ws://${location.host}/api/v1/events`, 'pipebridge.v1.json');
  const enter = (event) => {
    const first = event.kind === 'gap' ? event.from : event.seq;
    if (first !== tally.last + 1) tally.wrong ||= `${event.kind} ${first} after ${tally.last}`;
    if (event.kind === 'gap') {
      tally.missed += event.count;
      tally.gaps += 1;
    } else {
      tally.received += 1;
    }
    tally.last = event.seq;
  };
  socket.addEventListener('message', ({ data }) => {
    const said = JSON.parse(data);
    if (said.type === 'snapshot') tally.first = tally.last = said.seq;
    else said.events.forEach(enter);
  });
  socket.addEventListener('close', ({ code }) => {
    tally.wrong ||= `closed with ${code}`;
  });
}

/** Says lines into the pipe, as fast as it takes them. */
async function flood(bridge, count) {
  const socket = net.connect(bridge.path('demo'));
  await once(socket, 'connect');
  const batch = LINE.repeat(BATCH);
  for (let said = 0; said < count; said += BATCH) {
    if (!socket.write(batch)) await once(socket, 'drain');
  }
  socket.end();
  await once(socket, 'close');
}

const health = async (bridge) => (await fetch(`${bridge.url}healthz`)).json();

/** Until nothing is produced any more: opened, the messages, closed. */
async function flooded(bridge, count) {
  const { seq } = await health(bridge);
  await flood(bridge, count);
  await until('all events', async () => (await health(bridge)).seq === seq + count + 2);
  return seq + count + 2;
}

async function withObserver(body) {
  const bridge = await new Bridge({ events: { log_bytes: 1 << 20 } }).start();
  try {
    const { page } = await openPage(browser, bridge.url);
    await live(page);
    await page.evaluate(observe);
    await page.waitForFunction(() => globalThis.tally.first !== null);
    await body(bridge, page, await browser.context.newCDPSession(page));
    await page.close();
  } finally {
    await bridge.end();
  }
}

async function expectBalance(page, produced) {
  await page.waitForFunction(
    (last) => globalThis.tally.last >= last || globalThis.tally.wrong,
    produced,
  );
  const tally = await page.evaluate(() => globalThis.tally);
  assert.equal(tally.wrong, '');
  assert.equal(tally.last, produced);
  assert.equal(tally.received + tally.missed, produced - tally.first);
  return tally;
}

test('a_page_that_stood_still_gets_its_gap_and_then_follows_again', () =>
  withObserver(async (bridge, page, session) => {
    await session.send('Debugger.enable');
    await session.send('Debugger.pause'); // at the next statement: when the first message comes
    const produced = await flooded(bridge, 200_000);
    assert.equal((await health(bridge)).observers, 2); // its own and ours: it is behind, not gone
    await session.send('Debugger.disable');
    const tally = await expectBalance(page, produced);
    assert.ok(tally.missed > 10_000, `${tally.missed} missed in ${tally.gaps} gaps`);
    const later = await flooded(bridge, BATCH);
    const end = await expectBalance(page, later);
    assert.equal(end.missed, tally.missed); // no further gap
  }));

test('a_page_with_a_twentieth_of_the_processor_counts_all_or_is_told', () =>
  withObserver(async (bridge, page, session) => {
    await session.send('Emulation.setCPUThrottlingRate', { rate: 20 });
    const produced = await flooded(bridge, 50_000);
    await session.send('Emulation.setCPUThrottlingRate', { rate: 1 });
    await expectBalance(page, produced);
  }));
