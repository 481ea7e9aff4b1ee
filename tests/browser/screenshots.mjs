// Pictures of the page before the real program with some traffic, for people to look at and for the README.
// usage: PIPEBRIDGE_PROGRAM=… PIPEBRIDGE_NODE_MODULES=… node screenshots.mjs FOLDER
import { mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Bridge } from './support/bridge.mjs';
import { live, openBrowser, openPage, row } from './support/browser.mjs';

const folder = path.resolve(process.argv[2] ?? 'screenshots');
mkdirSync(folder, { recursive: true });

const line = { role: 'server', mode: 'byte', framing: 'line' };
const pipes = [
  { ...line, name: 'player', path: 'player.sock', reply: 'broadcast' },
  { ...line, name: 'vmstat', path: 'vmstat.sock' },
  { ...line, name: 'sensors', path: 'sensors.sock' },
  { ...line, name: 'updater', path: 'updater.sock' },
];

/** socat under another name, so that the peer's process reads like what it plays. */
async function client(bridge, pipe, name) {
  const program = path.join(bridge.folder, name);
  symlinkSync('/usr/bin/socat', program);
  const { child, say } = await bridge.terminal(pipe, program);
  child.on('error', () => undefined);
  return say;
}

async function play(bridge) {
  const viewer = await client(bridge, 'player', 'viewer');
  const remote = await client(bridge, 'player', 'remote');
  const sensors = await client(bridge, 'sensors', 'thermo');
  const vmstat = await client(bridge, 'vmstat', 'vmstat');
  let tick = 0;
  const timer = setInterval(() => {
    tick += 1;
    sensors(JSON.stringify({ sensor: 'cpu', celsius: 40 + Math.round(40 * Math.sin(tick / 9)) / 10 }));
    if (tick % 3 === 0)
      for (let each = 0; each < (tick % 40) / 4; each++) sensors(`{"fan":${900 + each}}`);
    if (tick % 10 === 0)
      vmstat(
        ` ${tick % 7}  0      0 7412${tick} 301224 4102932    0    0     1    12  214  388  3  1 96`,
      );
    if (tick % 7 === 0) {
      const data = Number((12 + tick / 20).toFixed(3));
      viewer(JSON.stringify({ event: 'property-change', id: 1, name: 'time-pos', data }));
    }
  }, 50);
  await delay(12_000);
  remote('{"command":["observe_property",1,"time-pos"],"request_id":1}');
  await delay(100);
  remote('{"command":["seek",30,"relative"],"request_id":7}');
  viewer('{"event":"seek","playlist_entry_id":1,"data":{"from":12.04,"to":42.04,"exact":false}}');
  return () => clearInterval(timer);
}

const bridge = await new Bridge({ pipes }, '/tmp/pipebridge').start();
const browser = await openBrowser();
try {
  const { page } = await openPage(browser, `${bridge.url}#pipe=player`);
  await live(page);
  await page.screenshot({ path: path.join(folder, 'empty.png') });
  const stop = await play(bridge);
  await row(page, '"seek","playlist').first().click();
  await page.fill('#composer-body', '{"command":["get_property","volume"],"request_id":9}');
  await page.keyboard.press('Control+Enter');
  await page.locator('.outcome', { hasText: 'delivered' }).waitFor();
  await page.locator('h1').click();
  await page.keyboard.press('f');
  for (const [width, height] of [
    [1440, 860],
    [1000, 700],
    [390, 844],
  ]) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ['dark', 'light']) {
      await page.emulateMedia({ colorScheme });
      for (const hash of ['#pipe=player', '#tab=sessions', '#']) {
        await page.evaluate((value) => {
          location.hash = value;
        }, hash);
        await delay(1300);
        const name = hash === '#' ? 'all' : hash.includes('sessions') ? 'sessions' : 'messages';
        await page.screenshot({ path: path.join(folder, `${name}-${width}-${colorScheme}.png`) });
      }
    }
  }
  stop();
} finally {
  await browser.close();
  await bridge.end();
}
