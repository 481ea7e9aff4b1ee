// Numbers and times as people read them. Pure.

const twoDigits = (value: number): string => String(value).padStart(2, '0');
const grouped = new Intl.NumberFormat('en-US');

/** 1,204 */
export function formatCount(value: number): string {
  return grouped.format(value);
}

/** 14:02:08.004, in local time. */
export function formatTime(wallNs: number): string {
  const date = new Date(wallNs / 1e6);
  const clock = `${twoDigits(date.getHours())}:${twoDigits(date.getMinutes())}:${twoDigits(date.getSeconds())}`;
  return `${clock}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** 12:02:08.004, in UTC. */
export function formatUtcTime(wallNs: number): string {
  return new Date(wallNs / 1e6).toISOString().slice(11, 23);
}

/** 14:02:08 */
export function formatClock(wallMs: number): string {
  return formatTime(wallMs * 1e6).slice(0, 8);
}

/** 2024-05-31, in local time. */
export function formatDate(wallNs: number): string {
  const date = new Date(wallNs / 1e6);
  return `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())}`;
}

function withUnit(value: number, units: readonly string[], step: number): string {
  let index = 0;
  let rest = value;
  while (rest >= step * 0.9995 && index < units.length - 1) {
    rest /= step;
    index += 1;
  }
  const digits = index === 0 || rest >= 100 ? 0 : 1;
  return `${rest.toFixed(digits)}${units[index]}`;
}

/** 0/s, 0.4/s, 340/s, 17.8k/s */
export function formatRate(perSecond: number): string {
  if (perSecond > 0 && perSecond < 0.95) return `${Math.max(0.1, perSecond).toFixed(1)}/s`;
  return `${withUnit(perSecond, ['', 'k', 'M'], 1000)}/s`;
}

/** 58 B, 2.6 MB */
export function formatBytes(bytes: number): string {
  return withUnit(bytes, [' B', ' kB', ' MB', ' GB', ' TB'], 1000);
}

/** 310 µs, 1.9 ms, 120 ms, 3.02 s, 4 min 10 s, 2 h 5 min */
export function formatDuration(ms: number): string {
  if (ms > 0 && ms < 0.9995) return `${Math.round(ms * 1000)} µs`;
  if (ms > 0 && ms < 9.95 && !Number.isInteger(ms)) return `${ms.toFixed(1)} ms`;
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10_000) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`;
}

/** +0.004, −12.500: seconds, for a column of its own. */
export function formatDelta(ns: number): string {
  const seconds = Math.abs(ns) / 1e9;
  const digits = seconds < 1000 ? 6 : 3;
  return `${ns < 0 ? '−' : '+'}${seconds.toFixed(digits)}`;
}

/** As one would type it: what a shell would take apart is in quotes. */
export function formatCommandLine(words: readonly string[], isCut: boolean): string {
  const typed = words.map((word) =>
    /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`,
  );
  return `${typed.join(' ')}${isCut ? ' …' : ''}`;
}
