// Five thousand messages a second for four seconds: the page keeps drawing, and loses nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FakeService } from '../../web/dashboard/test/support/fake_service.mjs';
import { makePage } from '../../web/dashboard/tools/page.mjs';
import { live, openBrowser, openPage, row } from './support/browser.mjs';
import { expectFrames, flood, watchFrames } from './support/frames.mjs';

const SECONDS = 4;

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());

async function withFlood(prepare, inspect) {
  const { assets } = await makePage();
  const service = new FakeService({ assets });
  service.addPipe('demo');
  const url = await service.listen();
  const session = service.open('demo', 'python3');
  service.say(session, 'c2s', 'first');
  try {
    const { page, expectQuiet } = await openPage(browser, `${url}/#pipe=demo`);
    await live(page);
    await prepare(page);
    await watchFrames(page);
    const sent = await flood(5_000, SECONDS, (first, last) => {
      const events = [];
      for (let number = first; number <= last; number++) {
        events.push(
          service.message(session, 'c2s', `{"number":${number},"what":"a message of a usual length"}`),
        );
      }
      service.publish(events);
    });
    await page.locator('.counts', { hasText: `${(sent + 2).toLocaleString('en-US')} rows` }).waitFor();
    await expectFrames(page, SECONDS);
    await inspect(page, sent);
    expectQuiet();
    await page.close();
  } finally {
    await service.cut();
  }
}

test('frames_keep_coming_while_one_follows_5000_messages_per_second', () =>
  withFlood(
    async () => undefined,
    (page, sent) => row(page, `"number":${sent},`).waitFor(),
  ));

test('the_view_stands_still_while_one_reads_and_5000_messages_per_second_arrive', () =>
  withFlood(
    (page) => row(page, 'first').click(),
    async (page) => assert.equal(await row(page, 'first').count(), 1),
  ));
