// JSON for reading: the text as it came, newly indented and cut into coloured pieces. The values are never
// parsed and printed again: a number of twenty digits stays what it was. Pure.

export type TokenKind = 'key' | 'string' | 'number' | 'word' | 'plain';

export interface Token {
  /** Its number, for telling it from the others. */
  readonly at: number;
  readonly kind: TokenKind;
  readonly text: string;
}

const pattern = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|true|false|null|[{}[\],:]/g;

/** Whether it is worth a JSON view: an object or an array. */
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

function kindOf(lexeme: string, next: string | undefined): TokenKind {
  if (lexeme.startsWith('"')) return next === ':' ? 'key' : 'string';
  if (/^[-\d]/.test(lexeme)) return 'number';
  return /^[a-z]/.test(lexeme) ? 'word' : 'plain';
}

/** `text` must be JSON. Pieces of punctuation and white space are put together into `plain`. */
export function prettyJson(text: string): Token[] {
  const lexemes = text.match(pattern) ?? [];
  const tokens: Token[] = [];
  let plain = '';
  let depth = 0;
  const add = (kind: TokenKind, piece: string): void => {
    tokens.push({ at: tokens.length, kind, text: piece });
  };
  const newLine = (): string => `\n${'  '.repeat(Math.min(depth, 40))}`;
  for (const [index, lexeme] of lexemes.entries()) {
    const next = lexemes[index + 1];
    const kind = kindOf(lexeme, next);
    if (kind !== 'plain') {
      if (plain !== '') add('plain', plain);
      plain = '';
      add(kind, lexeme);
    } else if (lexeme === '{' || lexeme === '[') {
      plain += lexeme;
      if (next === '}' || next === ']') continue;
      depth += 1;
      plain += newLine();
    } else if (lexeme === '}' || lexeme === ']') {
      const previous = lexemes[index - 1];
      if (previous !== '{' && previous !== '[') {
        depth -= 1;
        plain += newLine();
      }
      plain += lexeme;
    } else {
      plain += lexeme === ',' ? `,${newLine()}` : ': ';
    }
  }
  if (plain !== '') add('plain', plain);
  return tokens;
}
