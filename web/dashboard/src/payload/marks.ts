// Cuts a text into what patterns find in it and what lies between. Pure, and bounded: a row is drawn often.

export interface Piece {
  /** Where it begins in the text. */
  readonly at: number;
  readonly text: string;
  readonly isFound: boolean;
}

const MAX_FOUND = 20;

/** The first pattern that finds something where two overlap. */
export function findMarks(text: string, patterns: readonly RegExp[]): Piece[] {
  const found: { start: number; end: number }[] = [];
  for (const pattern of patterns) {
    const every = new RegExp(pattern.source, `${pattern.flags}g`);
    for (const match of text.matchAll(every)) {
      if (match[0] !== '') found.push({ start: match.index, end: match.index + match[0].length });
      if (found.length >= MAX_FOUND) break;
    }
  }
  found.sort((one, two) => one.start - two.start);
  const pieces: Piece[] = [];
  let at = 0;
  const add = (end: number, isFound: boolean): void => {
    if (end > at) pieces.push({ at, text: text.slice(at, end), isFound });
    at = Math.max(at, end);
  };
  for (const { start, end } of found) {
    add(start, false);
    add(end, true);
  }
  add(text.length, false);
  return pieces;
}
