// What a real bridge does seldom, made by the fake service; and the page's own manners.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FakeService } from '../../web/dashboard/test/support/fake_service.mjs';
import { requireInstalled } from '../../web/dashboard/tools/modules.mjs';
import { makePage } from '../../web/dashboard/tools/page.mjs';
import { live, openBrowser, openPage, row } from './support/browser.mjs';

const axe = requireInstalled('axe-core');

let browser;
let assets;
before(async () => {
  browser = await openBrowser();
  ({ assets } = await makePage());
});
after(() => browser.close());

async function withService(body, { hash = '#pipe=demo', prepare = () => undefined } = {}) {
  const service = new FakeService({ assets });
  service.addPipe('demo');
  service.addPipe('other');
  const url = await service.listen();
  const session = service.open('demo', 'python3');
  prepare(service, session);
  try {
    const opened = await openPage(browser, `${url}/${hash}`);
    await live(opened.page);
    await body({ service, session, ...opened });
    opened.expectQuiet();
    await opened.page.close();
  } finally {
    await service.cut();
  }
}

const lines = (service, session, from, to) => {
  const events = [];
  for (let number = from; number <= to; number++)
    events.push(service.message(session, 'c2s', `line ${number}`));
  service.publish(events);
};
const scrollTop = (page) => page.locator('.tbody').evaluate((element) => element.scrollTop);
const fromEnd = (page) =>
  page
    .locator('.tbody')
    .evaluate((element) => element.scrollHeight - element.clientHeight - element.scrollTop);

test('a_gap_stands_at_its_place_with_count_range_and_reason', () =>
  withService(async ({ service, session, page }) => {
    service.say(session, 'c2s', 'above');
    service.gap(1204);
    service.say(session, 'c2s', 'below');
    await row(page, 'below').waitFor();
    const texts = await page.locator('.tbody .words').allInnerTexts();
    assert.deepEqual(texts.slice(1), [
      'above',
      '1,204 events not shown: this page fell behind (seq 3–1,206)',
      'below',
    ]);
    await row(page, 'not shown').click();
    await page.locator('.detail', { hasText: 'this page fell behind' }).waitFor();
  }));

test('a_hole_that_nobody_told_of_is_shown_all_the_same', () =>
  withService(async ({ service, session, page }) => {
    service.message(session, 'c2s', 'never given out');
    service.say(session, 'c2s', 'next');
    await row(page, '1 event not shown').waitFor();
  }));

test('an_empty_page_says_what_to_paste', () =>
  withService(
    async ({ page, service }) => {
      await page
        .locator('code', { hasText: 'socat - UNIX-CONNECT:/run/user/1000/pipebridge/other.sock' })
        .waitFor();
      await page
        .locator('code', { hasText: `http://127.0.0.1:${service.port}/api/v1/pipes/other/messages` })
        .waitFor();
    },
    { hash: '#pipe=other' },
  ));

test('follow_lets_go_on_scroll_and_comes_back_by_its_button', () =>
  withService(async ({ service, session, page }) => {
    lines(service, session, 1, 300);
    await row(page, 'line 300').waitFor();
    assert.ok((await fromEnd(page)) < 2, 'follows');
    await page.locator('.tbody').hover();
    await page.mouse.wheel(0, -1000);
    await page.locator('.follow').waitFor();
    const place = await scrollTop(page);
    lines(service, session, 301, 400);
    await page.locator('.counts', { hasText: '401 rows' }).waitFor();
    assert.equal(await scrollTop(page), place, 'the view does not move');
    await page.click('.follow');
    await row(page, 'line 400').waitFor();
    assert.ok((await fromEnd(page)) < 2, 'follows again');
  }));

test('what_one_looks_at_stays_in_sight_through_filters_and_tabs', () =>
  withService(async ({ service, session, page }) => {
    const other = service.open('other', 'node');
    for (let number = 1; number <= 400; number++) {
      service.say(session, 'c2s', `line ${number}.`);
      service.say(other, 'c2s', `else ${number}.`);
    }
    await row(page, 'line 400.').waitFor();
    await page.locator('.tbody').hover();
    await page.mouse.wheel(0, -3600);
    await page.locator('.follow').waitFor();
    await row(page, 'line 250.').click();
    const height = () =>
      row(page, 'line 250.').evaluate((element) => element.getBoundingClientRect().top);
    const before = await height();
    await page.locator('.rail .pipe', { hasText: 'All pipes' }).click();
    await page.locator('.counts', { hasText: '802 rows' }).waitFor();
    assert.equal(await height(), before, 'another filter');
    await page.click('#tab-sessions');
    await page.locator('[data-session]').first().waitFor();
    await page.click('#tab-messages');
    await row(page, 'line 250.').waitFor();
    assert.equal(await height(), before, 'another tab and back');
    await page.setViewportSize({ width: 700, height: 860 });
    await row(page, 'line 250.').waitFor();
    await page.setViewportSize({ width: 1440, height: 860 });
    await row(page, 'line 250.').waitFor();
  }));

test('pause_keeps_collecting_and_says_how_many_wait', () =>
  withService(async ({ service, session, page }) => {
    lines(service, session, 1, 3);
    await row(page, 'line 3').waitFor();
    await page.locator('h1').click();
    await page.keyboard.press('Space');
    lines(service, session, 4, 8);
    await page.locator('.bar', { hasText: '5 waiting' }).waitFor();
    assert.equal(await row(page, 'line 8').count(), 0);
    await page.keyboard.press('Space');
    await row(page, 'line 8').waitFor();
  }));

test('the_keyboard_selects_shows_and_closes', () =>
  withService(async ({ service, session, page }) => {
    lines(service, session, 1, 3);
    service.say(session, 's2c', '{"a":[1,2]}');
    await row(page, '"a"').waitFor();
    await page.keyboard.press('j');
    await page.locator('.tree-line', { hasText: '"a": [' }).waitFor();
    await page.keyboard.press('k');
    await page.locator('.detail pre', { hasText: 'line 3' }).waitFor();
    assert.equal(await page.locator('.tr[aria-selected=true]').count(), 1);
    await page.keyboard.press('Escape');
    await page.locator('.detail', { hasText: 'Nothing selected' }).waitFor();
    assert.equal(await page.locator('.tr[aria-selected=true]').count(), 0);
  }));

test('a_payload_is_shown_as_json_text_and_hex', () =>
  withService(async ({ service, session, page }) => {
    service.say(session, 'c2s', '{"id":12345678901234567890}');
    service.say(session, 'c2s', Buffer.from([0xff, 0x00, 0x41]));
    await row(page, '12345').click();
    const body = page.locator('.detail-body');
    await body.filter({ hasText: '"id": 12345678901234567890' }).waitFor();
    await page.getByRole('tab', { name: 'Hex' }).click();
    await body.filter({ hasText: '7b 22 69 64 22 3a 31 32' }).waitFor();
    await row(page, 'ff 00 41').click();
    await body.filter({ hasText: 'ff 00 41' }).waitFor();
  }));

test('what_a_gap_left_out_is_fetched_from_the_service', () =>
  withService(async ({ service, session, page }) => {
    service.say(session, 'c2s', 'before');
    service.sayUnheard(session, ['missed 1', 'missed 2', 'missed 3']);
    await row(page, '3 events not shown').click();
    await page.getByRole('button', { name: 'Fetch them' }).click();
    await page.locator('.fetched .row', { hasText: 'missed 2' }).waitFor();
    await page.getByRole('button', { name: 'Fetch more' }).click();
    await page.locator('.fetched', { hasText: '3 events fetched' }).waitFor();
    await page.locator('.fetched .row', { hasText: 'missed 3' }).click();
    await page.locator('.detail pre', { hasText: 'missed 3' }).waitFor();
  }));

test('an_answer_knows_its_question_and_how_long_it_took', () =>
  withService(async ({ service, session, page }) => {
    service.say(session, 'c2s', '{"id":7,"method":"ask"}');
    service.say(session, 's2c', '{"id":7,"result":"yes"}');
    await row(page, 'result').click();
    await page.locator('dt', { hasText: 'Answers' }).waitFor();
    await page.getByRole('button', { name: /^message \d+ after / }).click();
    await page.locator('.tree-line', { hasText: '"method": "ask"' }).waitFor();
    await page.locator('dt', { hasText: 'Answered by' }).waitFor();
  }));

test('two_messages_are_compared_line_by_line', () =>
  withService(async ({ service, session, page }) => {
    service.say(session, 'c2s', '{"a":1,"b":2}');
    service.say(session, 'c2s', '{"a":1,"b":3}');
    await row(page, '"b":2').click();
    await page.getByRole('tab', { name: 'Compare' }).click();
    await row(page, '"b":3').click();
    await page.locator('.difference .removed', { hasText: '"b": 2' }).waitFor();
    await page.locator('.difference .added', { hasText: '"b": 3' }).waitFor();
    assert.equal(await page.locator('.difference .same').count(), 3);
    await page.getByRole('button', { name: 'End comparing' }).click();
    await page.locator('.tree-line', { hasText: '"b": 3' }).waitFor();
  }));

test('time_is_told_by_the_clock_since_the_selected_row_and_since_the_one_above', () =>
  withService(async ({ service, session, page }) => {
    lines(service, session, 1, 3);
    await row(page, 'line 3').waitFor();
    await page.keyboard.press('t');
    await page.getByRole('button', { name: 'Time (UTC)' }).waitFor();
    await page.keyboard.press('t');
    await row(page, 'line 2').click();
    await row(page, 'line 2').filter({ hasText: '+0.000000' }).waitFor();
    assert.match(await row(page, 'line 1').innerText(), /[−+]\d+\.\d{6}/);
    await page.keyboard.press('t');
    await page.getByRole('button', { name: 'Since above' }).waitFor();
    await page.keyboard.press('t');
    await row(page, 'line 2')
      .filter({ hasText: /\d\d:\d\d:\d\d\.\d{3}/ })
      .waitFor();
  }));

test('the_palette_goes_to_a_pipe_by_the_keyboard_alone', () =>
  withService(async ({ page }) => {
    const palette = page.locator('.palette-input');
    await page.keyboard.press('Control+k');
    await palette.waitFor();
    await page.keyboard.type('oth');
    await page.keyboard.press('Enter');
    await page.locator('h1', { hasText: 'other' }).waitFor();
    await page.keyboard.press('?');
    await page.locator('.help', { hasText: 'Ctrl K' }).waitFor();
    await page.keyboard.press('Escape');
    await page.locator('.help').waitFor({ state: 'detached' });
    await page.keyboard.press('Control+k');
    await palette.waitFor();
    await page.keyboard.type('no such thing');
    await page.locator('.palette', { hasText: 'Nothing has such a name.' }).waitFor();
    await page.keyboard.press('Escape');
    await palette.waitFor({ state: 'detached' });
    await page.keyboard.press('c');
    await page.locator('#composer-body:focus').waitFor();
    await page.keyboard.type('hi');
    await holds(page, 'hi');
  }));

test('a_filter_is_kept_under_a_name', () =>
  withService(async ({ service, session, page }) => {
    lines(service, session, 1, 12);
    await page.fill('#filter', 'line 1');
    await page.locator('.saved input').fill('the ones');
    await page.locator('.saved').getByRole('button', { name: 'Save' }).click();
    await page.getByRole('button', { name: 'Show everything' }).click();
    await page.reload();
    await page.locator('.saved .pipe', { hasText: 'the ones' }).click();
    await page.locator('.counts', { hasText: '4 of' }).waitFor();
    await page.getByRole('button', { name: 'Forget the ones' }).click();
    await page.locator('.saved li').waitFor({ state: 'detached' });
  }));

test('panes_are_resized_and_keep_their_width', () =>
  withService(async ({ page }) => {
    const railWidth = () => page.locator('.rail').evaluate((element) => element.offsetWidth);
    const before = await railWidth();
    const edge = page.getByRole('separator', { name: 'Width of the list of pipes' });
    await edge.focus();
    await page.keyboard.press('ArrowRight');
    assert.equal(await railWidth(), before + 16);
    const box = await edge.boundingBox();
    await page.mouse.move(box.x + 3, 300);
    await page.mouse.down();
    await page.mouse.move(box.x + 43, 300);
    await page.mouse.up();
    assert.equal(await railWidth(), before + 56);
    await page.reload();
    await page.locator('.rail .pipe').first().waitFor();
    assert.equal(await railWidth(), before + 56);
    await edge.dblclick();
    assert.equal(await railWidth(), before);
  }));

test('rows_are_as_high_as_one_likes', () =>
  withService(async ({ service, session, page }) => {
    lines(service, session, 1, 300);
    await row(page, 'line 300').waitFor();
    for (const height of [21, 30, 25]) {
      await page.keyboard.press('d');
      await page.waitForFunction((wanted) => {
        const rows = [...document.querySelectorAll('.tbody .tr')];
        return rows.length > 5 && rows.every((each) => each.offsetHeight === wanted);
      }, height);
      await page.waitForFunction(
        (wanted) => document.querySelector('.tall').offsetHeight === 301 * wanted,
        height,
      );
      assert.ok((await fromEnd(page)) < 2, 'follows');
    }
  }));

test('sessions_are_sorted_by_their_columns', () =>
  withService(
    async ({ service, page }) => {
      service.open('demo', 'a-first');
      await page.locator('[data-session]').nth(1).waitFor();
      await page.getByRole('button', { name: 'Process' }).click();
      await page.locator('[data-session]').first().filter({ hasText: 'a-first' }).waitFor();
      await page.getByRole('button', { name: 'Process' }).click();
      await page.locator('[data-session]').first().filter({ hasText: 'python3' }).waitFor();
      await page.locator('[aria-sort=descending]', { hasText: 'Process' }).waitFor();
    },
    { hash: '#pipe=demo&tab=sessions' },
  ));

/** What stands in the box to send from. */
const holds = (page, value) =>
  page.waitForFunction((wanted) => document.getElementById('composer-body').value === wanted, value);
const shown = (page) => page.locator('.tbody .tr').count();

test('a_filter_shows_what_matches_marks_it_and_stands_in_the_address', () =>
  withService(async ({ service, session, page }) => {
    lines(service, session, 1, 12);
    await row(page, 'line 12').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('LINE kind:message /1./');
    await page.locator('.counts', { hasText: '3 of' }).waitFor();
    assert.equal(await shown(page), 3);
    assert.deepEqual(await page.locator('.td mark').allInnerTexts(), [
      'line',
      '10',
      'line',
      '11',
      'line',
      '12',
    ]);
    assert.match(decodeURIComponent(page.url()), /q=LINE\+kind:message\+\/1\.\//);
    await page.reload();
    await page.locator('.counts', { hasText: '3 of' }).waitFor();
    service.say(session, 'c2s', 'no match');
    service.say(session, 'c2s', 'line 19');
    await row(page, 'line 19').waitFor();
    await page.getByRole('button', { name: 'Show everything' }).click();
    await row(page, 'no match').waitFor();
  }));

test('a_wrong_filter_says_what_is_wrong_under_the_letter', () =>
  withService(async ({ service, session, page }) => {
    lines(service, session, 1, 3);
    await row(page, 'line 3').waitFor();
    await page.fill('#filter', 'line (2');
    await page.keyboard.press('Escape');
    await page
      .locator('.filter-problem', { hasText: 'At character 6: this parenthesis is not closed' })
      .waitFor();
    assert.equal(await page.locator('.filter-problem mark').innerText(), '(');
    await row(page, 'line 3').waitFor();
    await page.fill('#filter', 'line 2');
    await page.locator('.counts', { hasText: '1 of' }).waitFor();
  }));

test('the_filter_completes_keys_and_what_is_known', () =>
  withService(async ({ service, session, page }) => {
    lines(service, session, 1, 2);
    await row(page, 'line 2').waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('pi');
    await page.getByRole('option', { name: 'pipe:' }).waitFor();
    await page.keyboard.press('Tab');
    await page.getByRole('option', { name: 'demo', exact: true }).waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    assert.match(await page.inputValue('#filter'), /^pipe:\w+$/);
    await page.keyboard.press('Enter');
    await page.locator('.offers').waitFor({ state: 'detached' });
  }));

test('binary_payloads_are_decoded_and_a_choice_stays_for_the_pipe', () =>
  withService(async ({ service, session, page }) => {
    const packed = Buffer.from('82a56576656e74a47469636ba4646174610c', 'hex');
    service.say(session, 'c2s', packed);
    service.say(session, 'c2s', Buffer.concat([packed.subarray(0, 17), Buffer.from([0x63])]));
    await row(page, 'hex').first().click();
    await page.locator('.tree-line', { hasText: '"event": "tick"' }).waitFor();
    await page.getByRole('tab', { name: 'Hex' }).click();
    await row(page, 'hex').last().click();
    await page.locator('.detail-body', { hasText: '82 a5 65 76' }).waitFor();
    await page.getByRole('tab', { name: 'MessagePack' }).click();
    await page.locator('.tree-line', { hasText: '"data": 99' }).waitFor();
    await page.getByRole('button', { name: 'Fold all' }).click();
    await page.locator('.tree-line', { hasText: '2 items' }).waitFor();
  }));

test('a_message_can_be_sent_again_in_its_own_notation', () =>
  withService(async ({ service, session, page }) => {
    service.say(session, 'c2s', Buffer.from('ff00', 'hex'));
    await row(page, 'ff 00').click();
    await page.getByRole('button', { name: 'Resend…' }).click();
    await holds(page, '/wA=');
    await page.click('.composer .primary');
    await page.locator('.outcome.good').waitFor();
    assert.equal(service.bodies.at(-1).toString('hex'), 'ff00');
    await page.getByRole('button', { name: 'Hex', exact: true }).click();
    await page.fill('#composer-body', '61 6');
    await page.locator('.outcome.bad', { hasText: 'At character 4' }).waitFor();
    await page.fill('#composer-body', '61 62');
    await page.click('.composer .primary');
    await page.locator('.outcome.good').waitFor();
    assert.equal(service.bodies.at(-1).toString(), 'ab');
  }));

test('a_message_is_repeated_with_its_variables_and_can_be_cancelled', () =>
  withService(async ({ service, page }) => {
    await page.fill('#composer-body', 'tick {{n}}');
    await page.locator('summary', { hasText: 'Repeat' }).click();
    await page.getByLabel('Times').fill('3');
    await page.getByLabel('Interval').fill('1');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.locator('.outcome', { hasText: '3 of 3 sent' }).waitFor();
    assert.deepEqual(service.bodies.slice(-3).map(String), ['tick 1', 'tick 2', 'tick 3']);
    await page.locator('summary', { hasText: 'Repeat' }).click();
    await page.getByLabel('Times').fill('100');
    await page.getByLabel('Interval').fill('100000');
    await page.getByRole('button', { name: 'Start' }).click();
    await page.locator('.outcome', { hasText: '1 of 100 sent' }).waitFor();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.locator('.outcome', { hasText: '1 of 100 sent; the last' }).waitFor();
  }));

test('what_was_sent_and_snippets_come_back_after_a_reload', () =>
  withService(async ({ page }) => {
    await page.fill('#composer-body', 'first');
    await page.click('.composer .primary');
    await page.locator('.outcome.good').waitFor();
    await page.fill('#composer-body', '{"ask":1}');
    await page.locator('summary', { hasText: 'Snippets' }).click();
    await page.getByPlaceholder('Name for what is in the box').fill('ask');
    await page.getByRole('button', { name: 'Keep' }).click();
    await page.reload();
    await page.locator('summary', { hasText: 'Snippets' }).click();
    await page.getByRole('button', { name: 'ask', exact: true }).click();
    await holds(page, '{"ask":1}');
    await page.focus('#composer-body');
    await page.keyboard.press('Alt+ArrowUp');
    await holds(page, 'first');
  }));

test('a_refusal_says_why_and_when_to_try_again', () =>
  withService(async ({ service, page }) => {
    service.nextAnswer = {
      status: 429,
      headers: { 'retry-after': '2', 'content-type': 'application/problem+json' },
      body: { status: 429, code: 'queue_full', detail: 'The write queue of session 41 is full.' },
    };
    await page.fill('#composer-body', 'too much');
    await page.keyboard.press('Control+Enter');
    await page
      .locator('.outcome.bad', { hasText: 'The write queue of session 41 is full. Try again in 2 s.' })
      .waitFor();
  }));

test('a_page_far_into_a_run_says_what_it_left_out', () =>
  withService(
    async ({ page }) => {
      await row(page, 'line 12000').waitFor();
      await page.locator('.tbody').focus();
      await page.keyboard.press('Home');
      await row(page, '2,001 earlier events not loaded (seq 1–2,001)').waitFor();
    },
    { prepare: (service, session) => lines(service, session, 1, 12_000) },
  ));

test('a_page_without_its_service_says_since_when_and_claims_nothing', () =>
  withService(async ({ service, session, page }) => {
    service.say(session, 'c2s', 'the last word');
    await row(page, 'the last word').waitFor();
    await service.cut();
    await page.locator('header', { hasText: /Disconnected · as of \d\d:\d\d:\d\d/ }).waitFor();
    await page.locator('header', { hasText: /retry in \d+ s/ }).waitFor();
    assert.equal(await page.locator('header', { hasText: 'msg/s' }).count(), 0);
    assert.deepEqual(await page.locator('.rail .pipe .num.dim').allInnerTexts(), ['2', '–', '–']);
    await page.fill('#composer-body', 'x');
    await page.keyboard.press('Control+Enter');
    await page.locator('.outcome.bad', { hasText: 'cannot be reached' }).waitFor();
    assert.equal(await row(page, 'the last word').count(), 1, 'what was said stays');
    await page.setViewportSize({ width: 390, height: 844 });
    assert.equal(await page.getByRole('button', { name: 'Retry now' }).isVisible(), true);
    const over = await page
      .locator('header')
      .evaluate((element) => element.scrollWidth - element.clientWidth);
    assert.equal(over, 0);
  }));

test('the_theme_follows_the_system_until_one_chooses', () =>
  withService(async ({ page }) => {
    const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    assert.equal(await ground(), 'rgb(19, 20, 21)');
    await page.emulateMedia({ colorScheme: 'light' });
    assert.equal(await ground(), 'rgb(251, 251, 250)');
    await page.click('header .theme');
    await page.click('header .theme');
    assert.equal(await ground(), 'rgb(19, 20, 21)', 'dark by choice');
    await page.reload();
    assert.equal(await ground(), 'rgb(19, 20, 21)', 'and remembered');
    await page.click('header .theme');
  }));

for (const [width, height] of [
  [1440, 860],
  [1280, 800],
  [1100, 700],
  [800, 700],
  [390, 844],
]) {
  test(`nothing_sticks_out_at_${width}_by_${height}`, () =>
    withService(async ({ service, session, page }) => {
      await page.setViewportSize({ width, height });
      service.say(session, 'c2s', 'long '.repeat(1000));
      await row(page, 'long').waitFor();
      for (const tab of ['messages', 'sessions']) {
        await page.evaluate((name) => {
          location.hash = `#tab=${name}`;
        }, tab);
        await page.locator(`#tab-${tab}[aria-selected=true]`).waitFor();
        const sizes = await page.evaluate(() =>
          ['html', 'header', 'main', '.panel', '.tbody', '.tbody .tr', '.actions', '.composer'].map(
            (selector) => {
              const element = document.querySelector(selector);
              return [selector, element === null ? 0 : element.scrollWidth - element.clientWidth];
            },
          ),
        );
        assert.deepEqual(
          sizes.filter(([, over]) => over > 0),
          [],
          tab,
        );
      }
    }));
}

for (const [hash, width, colorScheme] of [
  ['#pipe=demo', 1440, 'dark'],
  ['#pipe=demo', 1440, 'light'],
  ['#pipe=demo&tab=sessions', 1440, 'light'],
  ['#tab=overview', 1440, 'dark'],
  ['#pipe=demo&tab=overview', 390, 'light'],
  ['#pipe=other', 1000, 'dark'],
  ['#pipe=demo', 390, 'light'],
]) {
  test(`axe_finds_no_fault_with_${hash}_at_${width}_${colorScheme}`, () =>
    withService(
      async ({ service, session, page }) => {
        service.say(session, 'c2s', '{"a":[1,null]}');
        service.gap(3);
        service.inject('demo', session, 'x');
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await page.locator('.app').waitFor();
        if (hash === '#pipe=demo' && width > 800) await row(page, '"a"').click();
        await page.evaluate(axe.source);
        const faults = await page.evaluate(async () => {
          const { violations } = await globalThis.axe.run();
          return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`);
        });
        assert.deepEqual(faults, []);
      },
      { hash },
    ));
}
