// Five thousand messages a second for four seconds: the page keeps drawing, and loses nothing.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FakeService } from '../../web/dashboard/test/support/fake_service.mjs';
import { makePage } from '../../web/dashboard/tools/page.mjs';
import { live, openBrowser, openPage, row } from './support/browser.mjs';

const PER_SECOND = 5_000;
const SECONDS = 4;
const BATCHES_PER_SECOND = 50;

let browser;
before(async () => {
  browser = await openBrowser();
});
after(() => browser.close());

/** Counts the page's frames and notes its longest pause between two. */
const watchFrames = (page) =>
  page.evaluate(() => {
    window.frames_seen = { count: 0, longest: 0 };
    let last = performance.now();
    const onFrame = (now) => {
      window.frames_seen.count += 1;
      window.frames_seen.longest = Math.max(window.frames_seen.longest, now - last);
      last = now;
      requestAnimationFrame(onFrame);
    };
    requestAnimationFrame(onFrame);
  });

async function flood(service, session) {
  const begun = performance.now();
  let sent = 0;
  for (let batch = 1; batch <= SECONDS * BATCHES_PER_SECOND; batch++) {
    const events = [];
    for (let each = 0; each < PER_SECOND / BATCHES_PER_SECOND; each++) {
      sent += 1;
      events.push(
        service.message(session, 'c2s', `{"number":${sent},"what":"a message of a usual length"}`),
      );
    }
    service.publish(events);
    const rest = begun + (batch * 1000) / BATCHES_PER_SECOND - performance.now();
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
  }
  return sent;
}

for (const isFollowing of [true, false]) {
  test(`frames_keep_coming_while_5000_messages_arrive_per_second_${isFollowing ? 'following' : 'reading'}`, async () => {
    const { assets } = await makePage();
    const service = new FakeService({ assets });
    service.addPipe('demo');
    const url = await service.listen();
    const session = service.open('demo', 'python3');
    try {
      const { page, expectQuiet } = await openPage(browser, `${url}/#pipe=demo`);
      await live(page);
      if (!isFollowing) {
        service.say(session, 'c2s', 'first');
        await row(page, 'first').click();
      }
      await watchFrames(page);
      const sent = await flood(service, session);
      const expected = sent + (isFollowing ? 1 : 2);
      await page.locator('.counts', { hasText: `${expected.toLocaleString('en-US')} rows` }).waitFor();
      const { count, longest } = await page.evaluate(() => window.frames_seen);
      console.log(`# ${count} frames in ${SECONDS} s, longest pause ${longest.toFixed(0)} ms`);
      assert.ok(count > SECONDS * 15, `${count} frames in ${SECONDS} s`);
      assert.ok(longest < 500, `a pause of ${longest.toFixed(0)} ms`);
      if (isFollowing) await row(page, `"number":${sent},`).waitFor();
      else assert.equal(await row(page, 'first').count(), 1, 'the view stood still');
      expectQuiet();
      await page.close();
    } finally {
      await service.cut();
    }
  });
}
