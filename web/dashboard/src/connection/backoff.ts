// How long to wait before the next attempt. Pure.

const FIRST_MS = 500;
const LONGEST_MS = 10_000;

/** `attempt` counts from 1; `random` in [0, 1) spreads many pages that lost the same service. */
export function backoffMs(attempt: number, random: number): number {
  const base = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 10));
  return Math.round(base * (0.8 + 0.4 * random));
}
