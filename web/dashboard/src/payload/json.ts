// JSON for reading: its own pieces in a tree. The values are never parsed and printed again: a number of twenty
// digits stays what it was, and so do doubled keys. Pure.
import { type Item, MAX_DEPTH, type Tree } from './tree';

const pattern = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/g;

/** Whether it is worth a tree: an object or an array. */
export function isJson(text: string): boolean {
  const first = /^\s*([{[])/.exec(text);
  if (first === null) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Without the white space between them. `text` must be JSON. */
export function jsonLexemes(text: string): string[] {
  return text.match(pattern) ?? [];
}

interface Level {
  readonly kind: 'object' | 'list';
  readonly items: Item[];
  /** Of the item that comes next. */
  key: string | null;
}

const scalarKind = (lexeme: string) =>
  lexeme.startsWith('"') ? 'string' : /^[-\d]/.test(lexeme) ? 'number' : 'word';

/** `text` must be JSON. null: it nests too deep to be drawn. */
export function jsonTree(text: string): Tree | null {
  const lexemes = jsonLexemes(text);
  const levels: Level[] = [];
  let root: Tree | null = null;
  const add = (value: Tree): void => {
    const level = levels.at(-1);
    if (level === undefined) root = value;
    else level.items.push({ key: level.key, value });
  };
  for (const [index, lexeme] of lexemes.entries()) {
    if (lexeme === '{' || lexeme === '[') {
      if (levels.length === MAX_DEPTH) return null;
      levels.push({ kind: lexeme === '{' ? 'object' : 'list', items: [], key: null });
    } else if (lexeme === '}' || lexeme === ']') {
      const level = levels.pop();
      if (level !== undefined) add({ kind: level.kind, items: level.items });
    } else if (lexeme !== ',' && lexeme !== ':') {
      const level = levels.at(-1);
      if (level?.kind === 'object' && lexemes[index + 1] === ':') level.key = lexeme;
      else add({ kind: scalarKind(lexeme), text: lexeme });
    }
  }
  return root;
}

/** What may come next, by what came before. */
type Wanted = 'value' | 'value or ]' | 'key' | 'key or }' | ':' | 'end';

const lexeme =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a string may have none of these as they are
  /\s*("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\],:])/y;

/** Where `text` stops being JSON: the engines do not say. */
export function jsonErrorAt(text: string): number {
  const groups: string[] = [];
  let wanted: Wanted = 'value';
  let at = 0;
  for (;;) {
    lexeme.lastIndex = at;
    const found = lexeme.exec(text)?.[1];
    const start =
      found === undefined
        ? at + (/^\s*/.exec(text.slice(at))?.[0].length ?? 0)
        : lexeme.lastIndex - found.length;
    const next: Wanted | null = found === undefined ? null : step(found, wanted, groups);
    if (next === null) return start;
    wanted = next;
    at = lexeme.lastIndex;
  }
}

/** null: `found` cannot stand here. */
function step(found: string, wanted: Wanted, groups: string[]): Wanted | null {
  const group = groups.at(-1);
  const isValue = wanted === 'value' || wanted === 'value or ]';
  const isKey = wanted === 'key' || wanted === 'key or }';
  switch (found) {
    case '{':
    case '[':
      if (!isValue) return null;
      groups.push(found);
      return found === '{' ? 'key or }' : 'value or ]';
    case '}':
    case ']': {
      const isEmpty = wanted === (found === '}' ? 'key or }' : 'value or ]');
      if (group !== (found === '}' ? '{' : '[') || !(isEmpty || wanted === 'end')) return null;
      groups.pop();
      return 'end';
    }
    case ',':
      if (wanted !== 'end' || group === undefined) return null;
      return group === '{' ? 'key' : 'value';
    case ':':
      return wanted === ':' ? 'value' : null;
    default:
      if (isKey) return found.startsWith('"') ? ':' : null;
      return isValue ? 'end' : null;
  }
}
