// The page before the real program: a person at a browser, processes at the pipes.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Bridge, until } from './support/bridge.mjs';
import { live, openBrowser, openPage, row } from './support/browser.mjs';
import { expectFrames, flood, watchFrames } from './support/frames.mjs';
import { Wire } from './support/wire.mjs';

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());

/** Runs `body` with a bridge and a page of its own. */
async function withBridge(body, { config, hash = '' } = {}) {
  const bridge = await new Bridge(config).start();
  try {
    const opened = await openPage(browser, bridge.url + hash);
    await live(opened.page);
    await body({ bridge, ...opened });
    opened.expectQuiet();
    await opened.page.close();
  } finally {
    await bridge.end();
  }
}

test('a_message_typed_in_a_terminal_appears', () =>
  withBridge(async ({ bridge, page }) => {
    const terminal = await bridge.terminal('demo');
    terminal.say('hello from a terminal');
    await row(page, 'hello from a terminal').waitFor();
    await row(page, 'opened by socat').waitFor();
    assert.match(await row(page, 'hello from a terminal').innerText(), /→[\s\S]*#\d+ socat[\s\S]*21/);
  }));

test('a_message_sent_from_the_page_arrives_at_every_client_of_the_pipe', () =>
  withBridge(
    async ({ bridge, page }) => {
      const one = await bridge.terminal('demo');
      const two = await bridge.terminal('demo');
      one.say('here');
      two.say('here too');
      await row(page, 'here too').waitFor();
      await page.fill('#composer-body', 'hello from the page');
      await page.keyboard.press('Control+Enter');
      await one.hears('hello from the page\n');
      await two.hears('hello from the page\n');
      await page.locator('.outcome', { hasText: 'delivered to 2 sessions' }).waitFor();
      await row(page, 'injected').waitFor();
    },
    { hash: '#pipe=demo' },
  ));

test('a_call_shows_the_answer_and_how_long_it_took', () =>
  withBridge(
    async ({ bridge, page }) => {
      bridge.spawn('socat', [`UNIX-CONNECT:${bridge.path('demo')}`, 'EXEC:sed -u s/ask/answer/']);
      await row(page, 'opened by socat').waitFor();
      await page.getByLabel('Wait for the answer').check();
      await page.fill('#composer-body', '{"ask":1}');
      await page.keyboard.press('Control+Enter');
      await page.locator('.answer .tree-line', { hasText: '"answer": 1' }).waitFor();
      await page.locator('.outcome.good', { hasText: /answered in [\d.]+ .s · seq \d+/ }).waitFor();
      await page.getByLabel('Wait for the answer').uncheck();
      await page.click('.composer .primary');
      await page.locator('.outcome.good', { hasText: 'delivered to 1 session' }).waitFor();
      assert.equal(await page.locator('.answer').count(), 0);
    },
    { hash: '#pipe=demo' },
  ));

test('a_pipe_is_added_changed_and_removed_by_a_form', () =>
  withBridge(async ({ bridge, page }) => {
    await page.getByRole('button', { name: 'Add a pipe' }).click();
    const form = page.locator('.pipe-form');
    await form.getByLabel('name', { exact: true }).fill('added');
    await form.getByLabel('path', { exact: true }).fill('demo.sock');
    await form.getByLabel('framing').selectOption('line');
    await form.getByRole('button', { name: 'Add' }).click();
    await form.getByRole('alert').filter({ hasText: 'demo' }).waitFor();
    await form.getByLabel('path', { exact: true }).fill('added.sock');
    await form.getByText('More settings').click();
    await form.getByLabel('limits.max_instances').fill('0');
    await form.getByRole('button', { name: 'Add' }).click();
    await form.locator('.about.bad', { hasText: '0 is below the minimum 1' }).waitFor();
    await form.getByLabel('limits.max_instances').fill('3');
    await form.getByRole('button', { name: 'Add' }).click();
    await page.locator('.rail .pipe[aria-current]', { hasText: 'added' }).waitFor();
    const terminal = await bridge.terminal('added');
    terminal.say('through the new pipe');
    await row(page, 'through the new pipe').waitFor();
    await page.getByRole('button', { name: 'Settings…' }).click();
    const instances = form.getByLabel('limits.max_instances');
    await until('the form is filled in', async () => (await instances.inputValue()) === '3');
    await form.getByLabel('reply', { exact: true }).selectOption('echo');
    await form.getByRole('button', { name: 'Save' }).click();
    await form.waitFor({ state: 'detached' });
    terminal.say('echo');
    await terminal.hears('echo\n');
    await page.getByRole('button', { name: 'Settings…' }).click();
    await form.getByRole('button', { name: 'Remove…' }).click();
    await form.getByRole('button', { name: 'Remove it and end its sessions' }).click();
    await page.locator('.rail .pipe', { hasText: 'added' }).waitFor({ state: 'detached' });
  }));

test('the_overview_tells_rates_counters_and_how_a_pipe_is_set_up', () =>
  withBridge(
    async ({ bridge, page }) => {
      const terminal = await bridge.terminal('demo');
      for (let count = 0; count < 5; count++) terminal.say(`line ${count}`);
      await page.locator('.pipe-list tbody tr', { hasText: '5 · 30 B' }).waitFor();
      await page.getByRole('img', { name: /^Messages per second: / }).waitFor();
      assert.equal(await page.locator('.chart canvas').count(), 2);
      await page.locator('.pipe-list').getByRole('button', { name: 'demo' }).click();
      await page.locator('.facts', { hasText: bridge.path('demo') }).waitFor();
      assert.match(page.url(), /pipe=demo&tab=overview/);
    },
    { hash: '#tab=overview' },
  ));

test('a_message_sent_to_one_session_reaches_only_that', () =>
  withBridge(
    async ({ bridge, page }) => {
      const one = await bridge.terminal('demo');
      one.say('one');
      await row(page, 'one').first().waitFor();
      const two = await bridge.terminal('demo');
      two.say('two');
      await row(page, 'two').first().waitFor();
      const option = page.locator('.target option', { hasText: 'socat' }).last();
      await page.selectOption('.target', await option.getAttribute('value'));
      await page.fill('#composer-body', 'only you');
      await page.click('.composer .primary');
      await two.hears('only you\n');
      await page.locator('.outcome', { hasText: 'delivered to 1 session' }).waitFor();
      assert.equal(one.heard, '');
    },
    { hash: '#pipe=demo' },
  ));

const fifos = {
  pipes: ['inbound', 'outbound'].map((access) => ({
    name: access,
    transport: 'fifo',
    access,
    framing: 'line',
    path: `${access}.fifo`,
  })),
};

test('an_inbound_fifo_is_shown_and_offers_nothing_to_send', () =>
  withBridge(
    async ({ bridge, page }) => {
      const file = path.join(bridge.run, 'inbound.fifo');
      await page.locator('.paste code', { hasText: `echo hello > ${file}` }).waitFor();
      bridge.spawn('sh', ['-c', 'exec 3>"$1"; echo hello >&3; read -r _', 'sh', file]);
      await row(page, 'hello').first().waitFor();
      await row(page, 'opened by a client').waitFor();
      await page.locator('.composer', { hasText: 'Nothing can be sent into inbound' }).waitFor();
      assert.equal(await page.locator('.composer .primary').isDisabled(), true);
      await page.getByRole('tab', { name: 'Sessions' }).click();
      await page.locator('[data-session] .process', { hasText: 'unknown' }).waitFor();
      assert.equal(await page.locator('[data-session] .actions', { hasText: 'Send' }).count(), 0);
    },
    { config: fifos, hash: '#pipe=inbound' },
  ));

test('what_is_sent_into_an_outbound_fifo_is_read_there', () =>
  withBridge(
    async ({ bridge, page }) => {
      const file = path.join(bridge.run, 'outbound.fifo');
      // The first pipe takes nothing, so the box sends to the second.
      assert.equal(await page.locator('.target').inputValue(), 'pipe outbound');
      await page.locator('.rail .pipe', { hasText: 'outbound' }).click();
      await page.locator('.paste code', { hasText: `cat ${file}` }).waitFor();
      const reader = bridge.spawn('cat', [file]);
      let heard = '';
      reader.stdout.on('data', (data) => {
        heard += data;
      });
      await row(page, 'opened by a client').waitFor();
      await page.fill('#composer-body', 'to whoever reads');
      await page.click('.composer .primary');
      await until('the reader hears it', () => heard === 'to whoever reads\n');
    },
    { config: fifos },
  ));

const clientPipe = {
  pipes: [
    {
      name: 'player',
      role: 'client',
      framing: 'line',
      path: 'player.sock',
      reconnect: { max_delay_ms: 100 },
    },
  ],
};

test('a_client_pipe_waits_for_its_server_and_keeps_what_is_sent', () =>
  withBridge(
    async ({ bridge, page }) => {
      await page.locator('.title .link.warn', { hasText: 'not connected' }).waitFor();
      await page.locator('.rail .pipe', { hasText: 'no server' }).waitFor();
      await page.fill('#composer-body', 'are you there');
      await page.click('.composer .primary');
      await page.locator('.outcome.warn', { hasText: 'kept until the server is there' }).waitFor();
      await page.locator('.title .link.warn', { hasText: '1 message kept' }).waitFor();
      const server = bridge.spawn('socat', ['-', `UNIX-LISTEN:${bridge.path('player')}`]);
      let heard = '';
      server.stdout.on('data', (data) => {
        heard += data;
      });
      await until('the server hears it', () => heard === 'are you there\n');
      await row(page, 'connected to socat').waitFor();
      await page.locator('.title .link', { hasText: /^connected$/ }).waitFor();
      server.stdin.write('yes\n');
      const answer = row(page, 'yes').last();
      await answer.waitFor();
      assert.match(await answer.innerText(), /←[\s\S]*yes/);
      server.kill();
      await row(page, 'closed by the other end').waitFor();
    },
    { config: clientPipe, hash: '#pipe=player' },
  ));

const tapPipe = {
  pipes: [
    { name: 'wire', role: 'tap', framing: 'line', path: 'wire.sock', upstream: 'far.sock' },
    { name: 'far', framing: 'line', path: 'far.sock', reply: 'echo' },
  ],
};

test('what_is_sent_into_a_tap_goes_the_way_that_was_chosen', () =>
  withBridge(
    async ({ bridge, page }) => {
      const terminal = await bridge.terminal('wire');
      terminal.say('across');
      await row(page, 'across').first().waitFor();
      await page.fill('#composer-body', 'to the far end');
      await page.click('.composer .primary');
      await until('the upstream echoes it', () => terminal.heard.includes('to the far end\n'));
      await page.getByLabel('Direction').selectOption('s2c');
      await page.fill('#composer-body', 'only to you');
      await page.click('.composer .primary');
      await until('the client hears it', () => terminal.heard.includes('only to you\n'));
    },
    { config: tapPipe, hash: '#pipe=wire' },
  ));

test('what_nobody_can_get_is_told', () =>
  withBridge(
    async ({ page }) => {
      await page.fill('#composer-body', 'is anybody there');
      await page.keyboard.press('Control+Enter');
      await page.locator('.outcome.warn', { hasText: 'nobody got it' }).waitFor();
    },
    { hash: '#pipe=demo' },
  ));

test('sessions_show_their_counters_and_can_be_disconnected', () =>
  withBridge(
    async ({ bridge, page }) => {
      const terminal = await bridge.terminal('demo');
      terminal.say('abc');
      const entry = page.locator('[data-session]');
      await entry.filter({ hasText: 'socat' }).filter({ hasText: '1 · 3 B' }).waitFor();
      const program = await entry.locator('.process').getAttribute('title');
      assert.match(program, /^socat .*UNIX-CONNECT:/);
      await entry.getByRole('button', { name: 'Disconnect' }).click();
      await page.locator('dialog[open]').getByRole('button', { name: 'Keep it' }).click();
      assert.equal(terminal.child.exitCode, null);
      await entry.getByRole('button', { name: 'Disconnect' }).click();
      await page.locator('dialog[open]').getByRole('button', { name: 'Disconnect' }).click();
      await until('socat ends', () => terminal.child.exitCode !== null);
      await entry.filter({ hasText: 'disconnected on request' }).waitFor();
    },
    { hash: '#pipe=demo&tab=sessions' },
  ));

test('a_pipe_shows_only_its_own_and_the_address_remembers', () =>
  withBridge(async ({ bridge, page }) => {
    const demo = await bridge.terminal('demo');
    const other = await bridge.terminal('other');
    demo.say('on demo');
    other.say('on other');
    await row(page, 'on other').waitFor();
    await page.locator('.rail .pipe', { hasText: 'demo' }).click();
    await row(page, 'on other').waitFor({ state: 'detached' });
    await row(page, 'on demo').waitFor();
    assert.match(page.url(), /#pipe=demo/);
    await page.reload();
    await row(page, 'on demo').waitFor();
    assert.equal(await row(page, 'on other').count(), 0);
  }));

test('a_page_opened_late_has_what_was_said_before', () =>
  withBridge(async ({ bridge, page }) => {
    const terminal = await bridge.terminal('demo');
    terminal.say('said early');
    await row(page, 'said early').waitFor();
    const late = await openPage(browser, bridge.url);
    await row(late.page, 'said early').waitFor();
    late.expectQuiet();
    await late.page.close();
  }));

test('a_cut_connection_resumes_without_a_hole', async () => {
  const bridge = await new Bridge().start();
  const wire = new Wire(bridge.port);
  // The bridge answers only to its own address, so the browser keeps that and is led over the wire.
  const rule = `MAP localhost:${bridge.port} 127.0.0.1:${await wire.listen()}`;
  const led = await openBrowser({ more: [`--host-resolver-rules=${rule}`] });
  try {
    const { page, expectQuiet } = await openPage(led, `http://localhost:${bridge.port}/`);
    await live(page);
    const terminal = await bridge.terminal('demo');
    terminal.say('before 1');
    await row(page, 'before 1').waitFor();
    wire.cut();
    await page.locator('header [data-state=waiting]').waitFor();
    await page.locator('header', { hasText: /retry in \d+ s/ }).waitFor();
    for (let number = 1; number <= 50; number++) terminal.say(`meanwhile ${number}`);
    wire.mend();
    await row(page, 'meanwhile 50').waitFor();
    terminal.say('after');
    await row(page, 'after').waitFor();
    assert.equal(await page.locator('.tr.gap').count(), 0);
    const shown = await page.locator('.counts').innerText();
    assert.match(shown, /^53 rows/, 'opened, before, 50 meanwhile, after');
    expectQuiet();
  } finally {
    await led.close();
    wire.close();
    await bridge.end();
  }
});

test('a_killed_bridge_comes_back_as_another_run', () =>
  withBridge(async ({ bridge, page }) => {
    const terminal = await bridge.terminal('demo');
    terminal.say('in the first life');
    await row(page, 'in the first life').waitFor();
    await bridge.kill();
    await page.locator('header [data-state=waiting]').waitFor();
    await bridge.start();
    await live(page);
    const second = await bridge.terminal('demo');
    second.say('in the second life');
    await row(page, 'in the second life').waitFor();
    await row(page, 'another run begins here').waitFor();
    assert.equal(await row(page, 'in the first life').count(), 1);
  }));

test('a_person_at_a_phone_reads_and_sends', async () => {
  const small = await openBrowser({ width: 390, height: 844, colorScheme: 'light' });
  const bridge = await new Bridge().start();
  try {
    const { page, expectQuiet } = await openPage(small, `${bridge.url}#pipe=demo`);
    const terminal = await bridge.terminal('demo');
    terminal.say('{"to":"a phone"}');
    await row(page, 'a phone').click();
    await page.locator('.tree-line', { hasText: '"to": "a phone"' }).waitFor();
    await page.locator('.pages').getByRole('button', { name: 'Send' }).click();
    await page.fill('#composer-body', 'from a phone');
    await page.click('.composer .primary');
    await terminal.hears('from a phone\n');
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(wide, 390, 'nothing sticks out');
    expectQuiet();
  } finally {
    await small.close();
    await bridge.end();
  }
});

test('frames_keep_coming_while_a_process_says_5000_messages_per_second', () =>
  withBridge(
    async ({ bridge, page }) => {
      const terminal = await bridge.terminal('demo');
      await row(page, 'opened by socat').waitFor();
      await watchFrames(page);
      const sent = await flood(5_000, 3, (first, last) => {
        let text = '';
        for (let number = first; number <= last; number++)
          text += `{"number":${number},"what":"a usual length"}\n`;
        terminal.child.stdin.write(text);
      });
      await row(page, `"number":${sent},`).waitFor();
      await expectFrames(page, 3);
      assert.match(await page.locator('.counts').innerText(), /^15,001 rows/, 'all of them, no gap');
    },
    { hash: '#pipe=demo' },
  ));
