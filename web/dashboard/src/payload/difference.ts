// What differs between two payloads, line by line. Pure.
import { diffLines } from 'diff';

export interface DifferenceLine {
  readonly at: number;
  readonly kind: 'same' | 'added' | 'removed';
  readonly text: string;
}

/** Beyond that the two have little in common, and finding it out takes seconds. */
const MAX_EDITS = 2000;
const MAX_LENGTH = 256 * 1024;

/** null: too large, or too different, to be compared. */
export function difference(one: string, other: string): DifferenceLine[] | null {
  if (one.length > MAX_LENGTH || other.length > MAX_LENGTH) return null;
  const changes = diffLines(one, other, { maxEditLength: MAX_EDITS, ignoreNewlineAtEof: true });
  if (changes === undefined) return null;
  const lines: DifferenceLine[] = [];
  for (const { value, added, removed } of changes) {
    const kind = added ? 'added' : removed ? 'removed' : 'same';
    for (const text of value.replace(/\n$/, '').split('\n')) {
      lines.push({ at: lines.length, kind, text });
    }
  }
  return lines;
}
