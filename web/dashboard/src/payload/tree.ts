// Structured payloads as trees, whatever they were encoded in: what the folding view draws. Scalars are text,
// as JSON would write them where it can: a number of twenty digits stays what it was. Pure.

export type ScalarKind = 'string' | 'number' | 'word';

export interface Scalar {
  readonly kind: ScalarKind;
  readonly text: string;
}

export interface Item {
  /** As it is drawn: in quotes where it is a text; null in a list. */
  readonly key: string | null;
  readonly value: Tree;
}

export interface Group {
  readonly kind: 'object' | 'list';
  readonly items: readonly Item[];
}

export type Tree = Scalar | Group;

export const isGroup = (tree: Tree): tree is Group => tree.kind === 'object' || tree.kind === 'list';

/** Deeper than that nothing is drawn: hostile payloads nest as deep as they are long. */
export const MAX_DEPTH = 200;

/** The way to an item, as jq and JavaScript write it: .data.items[3]["odd key"]. */
export function pathStep(key: string | null, index: number): string {
  if (key === null) return `[${index}]`;
  const name = /^"([A-Za-z_$][\w$]*)"$/.exec(key)?.[1];
  return name === undefined ? `[${key}]` : `.${name}`;
}

const brackets = { object: ['{', '}'], list: ['[', ']'] } as const;

/** As text, indented by two: for the clipboard. */
export function treeText(tree: Tree, indent = ''): string {
  if (!isGroup(tree)) return tree.text;
  const [open, close] = brackets[tree.kind];
  if (tree.items.length === 0) return open + close;
  const inner = `${indent}  `;
  const lines = tree.items.map(
    ({ key, value }) => `${inner}${key === null ? '' : `${key}: `}${treeText(value, inner)}`,
  );
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}
