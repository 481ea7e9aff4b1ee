// The filter's grammar, that of web/PROTOCOL.md, so that the page filters what it has at once and as the service
// would. By recursive descent: or → and → not → term. Pure.
import type { Predicate, Verdict } from './subject';
import { FilterError, regexTerm, sizeTerm, terms, textTerm, type Word } from './terms';

export const maxLength = 2048;
const maxTerms = 64;
const maxDepth = 32;

export type Parsed =
  | {
      readonly ok: true;
      readonly matches: Predicate;
      /** What the terms look for in texts, but for those that must not be found. */
      readonly marks: readonly RegExp[];
    }
  | { readonly ok: false; readonly offset: number; readonly detail: string };

const both =
  (one: Predicate, other: Predicate): Predicate =>
  (subject) => {
    const first = one(subject);
    return first === 0 ? 0 : (Math.min(first, other(subject)) as Verdict);
  };
const either =
  (one: Predicate, other: Predicate): Predicate =>
  (subject) => {
    const first = one(subject);
    return first === 2 ? 2 : (Math.max(first, other(subject)) as Verdict);
  };

class Parser {
  #at = 0;
  #depth = 0;
  #terms = 0;
  #isNegated = false;
  readonly marks: RegExp[] = [];

  constructor(private readonly text: string) {}

  parse(): Predicate {
    this.#skipBlanks();
    if (this.#at === this.text.length) return () => 2;
    const root = this.#either();
    if (this.text[this.#at] === ')') this.#refuse(this.#at, 'this parenthesis was never opened');
    return root;
  }

  #refuse(offset: number, detail: string): never {
    throw new FilterError(offset, detail);
  }

  #countTerm(): void {
    this.#terms += 1;
    if (this.#terms > maxTerms) this.#refuse(this.#at, `a filter may have ${maxTerms} terms at most`);
  }

  #isWordEnd(at: number): boolean {
    return at >= this.text.length || /[\s()]/.test(this.text.charAt(at));
  }

  #skipBlanks(): void {
    while (/\s/.test(this.text.charAt(this.#at))) this.#at += 1;
  }

  #takes(pattern: RegExp): RegExpExecArray | null {
    const sticky = new RegExp(pattern.source, 'y');
    sticky.lastIndex = this.#at;
    const match = sticky.exec(this.text);
    if (match !== null) this.#at = sticky.lastIndex;
    return match;
  }

  /** Whether `keyword` stands here as a word of its own; takes it. */
  #takesKeyword(keyword: string): boolean {
    if (!this.text.startsWith(keyword, this.#at) || !this.#isWordEnd(this.#at + keyword.length)) {
      return false;
    }
    this.#at += keyword.length;
    this.#skipBlanks();
    return true;
  }

  // ---- operators ----
  #either(): Predicate {
    let left = this.#both();
    while (this.#takesKeyword('or')) {
      left = either(left, this.#both());
    }
    return left;
  }

  /** Terms side by side must all hold. */
  #both(): Predicate {
    let left = this.#unary();
    for (;;) {
      this.#skipBlanks();
      const before = this.#at;
      if (this.#at === this.text.length || this.text[this.#at] === ')') return left;
      if (this.#takesKeyword('or')) {
        this.#at = before;
        return left;
      }
      this.#takesKeyword('and');
      left = both(left, this.#unary());
    }
  }

  #unary(): Predicate {
    this.#depth += 1;
    if (this.#depth > maxDepth) this.#refuse(this.#at, `nested more than ${maxDepth} deep`);
    const predicate = this.#unaryInside();
    this.#depth -= 1;
    return predicate;
  }

  #unaryInside(): Predicate {
    if (this.#takes(/[-!](?!\s)/) !== null || this.#takesKeyword('not')) {
      this.#countTerm();
      this.#isNegated = !this.#isNegated;
      const inside = this.#unary();
      this.#isNegated = !this.#isNegated;
      return (subject) => (2 - inside(subject)) as Verdict;
    }
    if (this.text[this.#at] === '(') return this.#group();
    if (this.#isWordEnd(this.#at)) this.#refuse(this.#at, 'a term is missing here');
    const term = this.#term();
    if (term.mark !== undefined && !this.#isNegated) this.marks.push(term.mark);
    return term;
  }

  #group(): Predicate {
    const start = this.#at;
    this.#at += 1;
    this.#skipBlanks();
    const inside = this.#either();
    if (this.text[this.#at] !== ')') this.#refuse(start, 'this parenthesis is not closed');
    this.#at += 1;
    return inside;
  }

  // ---- terms ----
  #term(): Predicate {
    this.#countTerm();
    if (this.text[this.#at] === '/') return this.#slashes();
    const start = this.#at;
    const size = this.#takes(/size(>=|<=|[><:=])/);
    if (size !== null) {
      const value = { start: this.#at, text: this.#takes(/[^\s()]*/)?.[0] ?? '' };
      return sizeTerm(size[1] ?? '', value);
    }
    const key = this.#takes(/([a-z]+)[:=]/)?.[1];
    if (key === undefined) return this.#values(textTerm, false);
    const term = terms.get(key);
    if (term === undefined) {
      const known = [...terms.keys(), 'size'].join(', ');
      this.#refuse(
        start,
        `no key "${key.slice(0, 24)}" (${known}); to look for this text, put quotes around it`,
      );
    }
    return this.#values(term.make, term.isList);
  }

  /** One or more values with a comma between them: any of them will do. */
  #values(make: (value: Word) => Predicate, isList: boolean): Predicate {
    let left = make(this.#word(isList));
    while (isList && this.#takes(/,/) !== null) {
      this.#countTerm();
      left = either(left, make(this.#word(isList)));
    }
    if (!this.#isWordEnd(this.#at)) this.#refuse(this.#at, 'a blank is missing here');
    return left;
  }

  /** "…" with \" and \\, or all up to a blank or a parenthesis, in a list to a comma. */
  #word(isList: boolean): Word {
    const start = this.#at;
    if (this.text[start] !== '"') {
      return { start, text: this.#takes(isList ? /[^\s(),]*/ : /[^\s()]*/)?.[0] ?? '' };
    }
    const quoted = this.#takes(/"((?:[^"\\]|\\[\s\S])*)"/);
    if (quoted === null) this.#refuse(start, 'this quotation mark has no second one');
    return { start, text: (quoted[1] ?? '').replace(/\\([\s\S])/g, '$1') };
  }

  /** /expression/ or /expression/i; \/ is a slash of it. */
  #slashes(): Predicate {
    const start = this.#at;
    const match = this.#takes(/\/((?:[^/\\]|\\[\s\S])*)\/(i?)/);
    if (match === null) this.#refuse(start, 'this slash has no second one; quote a path');
    if (!this.#isWordEnd(this.#at)) this.#refuse(this.#at, 'only i can stand behind the second slash');
    return regexTerm({ start, text: (match[1] ?? '').replaceAll('\\/', '/') }, match[2] ?? '');
  }
}

export function parseFilter(text: string): Parsed {
  if (text.length > maxLength) {
    return { ok: false, offset: 0, detail: `a filter may have ${maxLength} bytes at most` };
  }
  try {
    const parser = new Parser(text);
    return { ok: true, matches: parser.parse(), marks: parser.marks };
  } catch (error) {
    if (error instanceof FilterError) {
      return { ok: false, offset: error.offset, detail: error.message };
    }
    throw error;
  }
}
