// Chromium with a page that is watched: what it logs, what it asks the network for.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { requireInstalled } from '../../../web/dashboard/tools/modules.mjs';

const { chromium } = requireInstalled('playwright-core');

export const CHROMIUM = process.env.PIPEBRIDGE_CHROMIUM ?? '/usr/bin/chromium';
export const DEADLINE_MS = 15_000 * Number(process.env.PIPEBRIDGE_TEST_SCALE ?? 1);

const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser of its own profile; `close` removes it. */
export async function openBrowser({ width = 1440, height = 860, colorScheme = 'dark', more = [] } = {}) {
  const profile = mkdtempSync(path.join(tmpdir(), 'pipebridge-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    args: [...args, ...more],
    viewport: { width, height },
    colorScheme,
  });
  context.setDefaultTimeout(DEADLINE_MS);
  return {
    context,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Opens `url` in a new page. `expectQuiet` fails if the page complained or asked another origin. */
export async function openPage(browser, url) {
  const page = await browser.context.newPage();
  const { origin } = new URL(url);
  const complaints = [];
  const foreign = [];
  // A service that is gone is what some tests are about: the browser's own words on it are no complaint.
  const isExpected = (text) =>
    /ERR_CONNECTION_|WebSocket connection to|ERR_EMPTY_RESPONSE|status of [45]\d\d/.test(text);
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !isExpected(message.text()))
      complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  const look = (address) => {
    if (new URL(address).host !== new URL(origin).host) foreign.push(address);
  };
  page.on('request', (request) => look(request.url()));
  page.on('websocket', (socket) => look(socket.url()));
  await page.goto(url);
  return {
    page,
    expectQuiet() {
      assert.deepEqual(complaints, [], 'the console stays empty');
      assert.deepEqual(foreign, [], 'nothing is asked of another origin');
    },
  };
}

/** The rows of the table that hold `text`. */
export const row = (page, text) => page.locator('.tbody .tr', { hasText: text });
export const live = (page) => page.locator('header [data-state=live]').waitFor();
