// What the palette offers: places to go and things to do, and which of them a text means. Pure.

export interface Choice {
  readonly id: string;
  readonly name: string;
  /** What kind of thing it is, or which key does the same. */
  readonly hint: string;
  readonly run: () => void;
}

const MAX_SHOWN = 50;

/** 0: not meant. The letters of each word must stand in the name in that order; the closer, the better. */
export function closeness(name: string, text: string): number {
  const lower = name.toLowerCase();
  let sum = 1;
  for (const word of text.toLowerCase().split(/\s+/).filter(Boolean)) {
    const at = lower.indexOf(word);
    if (at >= 0) {
      sum += at === 0 || /\W/.test(lower.charAt(at - 1)) ? 4 : 2;
      continue;
    }
    let from = 0;
    for (const letter of word) {
      from = lower.indexOf(letter, from) + 1;
      if (from === 0) return 0;
    }
  }
  return sum;
}

/** The closest first; those that are alike keep their order. */
export function choose(all: readonly Choice[], text: string): Choice[] {
  return all
    .map((choice) => ({ choice, near: closeness(`${choice.name} ${choice.hint}`, text) }))
    .filter(({ near }) => near > 0)
    .sort((one, other) => other.near - one.near)
    .slice(0, MAX_SHOWN)
    .map(({ choice }) => choice);
}
