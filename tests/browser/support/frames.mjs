// Whether a page keeps drawing: counts its frames and notes the longest pause between two.
import assert from 'node:assert/strict';

export const watchFrames = (page) =>
  page.evaluate(() => {
    const seen = { count: 0, longest: 0 };
    window.frames_seen = seen;
    let last = performance.now();
    const onFrame = (now) => {
      seen.count += 1;
      seen.longest = Math.max(seen.longest, now - last);
      last = now;
      requestAnimationFrame(onFrame);
    };
    requestAnimationFrame(onFrame);
  });

/** Since `watchFrames`, `seconds` ago: at least fifteen frames a second, no pause of half a second. */
export async function expectFrames(page, seconds) {
  const { count, longest } = await page.evaluate(() => window.frames_seen);
  console.log(`# ${count} frames in ${seconds} s, longest pause ${longest.toFixed(0)} ms`);
  assert.ok(count > seconds * 15, `${count} frames in ${seconds} s`);
  assert.ok(longest < 500, `a pause of ${longest.toFixed(0)} ms`);
}

/** Calls `send(first, last)` fifty times a second, so that `perSecond` numbers pass; returns how many. */
export async function flood(perSecond, seconds, send) {
  const begun = performance.now();
  const size = perSecond / 50;
  for (let batch = 0; batch < seconds * 50; batch++) {
    send(batch * size + 1, (batch + 1) * size);
    const rest = begun + (batch + 1) * 20 - performance.now();
    if (rest > 0) await new Promise((resolve) => setTimeout(resolve, rest));
  }
  return size * seconds * 50;
}
