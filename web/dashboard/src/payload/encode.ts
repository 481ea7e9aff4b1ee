// What is typed into the composer, as bytes; or what is wrong with it, and where. Pure.
import { fromBase64 } from './bytes';
import { jsonErrorAt, jsonLexemes } from './json';

export const draftModes = ['text', 'json', 'hex', 'base64', 'file'] as const;
export type DraftMode = (typeof draftModes)[number];
export type LineEnding = 'lf' | 'crlf';

export type Encoded =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly offset: number; readonly detail: string };

const encoder = new TextEncoder();
const wrong = (offset: number, detail: string): Encoded => ({ ok: false, offset, detail });

function jsonProblem(text: string): Encoded | null {
  try {
    JSON.parse(text);
    return null;
  } catch {
    const offset = jsonErrorAt(text);
    return wrong(
      offset,
      offset >= text.trimEnd().length ? 'the JSON ends too early' : 'no JSON from here',
    );
  }
}

/** In one line, since a line is a message where the framing is `line`; numbers stay as they were typed. */
export function compactJson(text: string): string {
  return jsonLexemes(text).join('');
}

function hexBytesOf(text: string): Encoded {
  const pairs: number[] = [];
  const pattern = /0x|[\s,:]+|[\da-f]{2}/giy;
  let at = 0;
  while (at < text.length) {
    pattern.lastIndex = at;
    const piece = pattern.exec(text)?.[0];
    if (piece === undefined) return wrong(at, 'bytes are pairs of hexadecimal digits, as 0d 0a');
    if (/^[\da-f]{2}$/i.test(piece)) pairs.push(Number.parseInt(piece, 16));
    at += piece.length;
  }
  return { ok: true, bytes: Uint8Array.from(pairs) };
}

function base64BytesOf(text: string): Encoded {
  const bad = /[^A-Za-z0-9+/=_\-\s]/.exec(text);
  if (bad !== null) return wrong(bad.index, 'base64 has letters, digits, + / and = only');
  try {
    const plain = text.replace(/\s+/g, '').replaceAll('-', '+').replaceAll('_', '/');
    return { ok: true, bytes: fromBase64(plain) };
  } catch {
    return wrong(text.length, 'base64 comes in groups of four, the last filled up with =');
  }
}

/** `text` in the mode's notation; a file's bytes come from elsewhere. */
export function encodeDraft(
  mode: Exclude<DraftMode, 'file'>,
  text: string,
  ending: LineEnding,
): Encoded {
  switch (mode) {
    case 'text': {
      const lines = text.replace(/\r\n?/g, '\n');
      return {
        ok: true,
        bytes: encoder.encode(ending === 'crlf' ? lines.replaceAll('\n', '\r\n') : lines),
      };
    }
    case 'json':
      return jsonProblem(text) ?? { ok: true, bytes: encoder.encode(compactJson(text)) };
    case 'hex':
      return hexBytesOf(text);
    case 'base64':
      return base64BytesOf(text);
  }
}

/** {{n}}, {{time}} and {{uuid}} of a message that is sent again and again. */
export function fillVariables(text: string, count: number, now: Date, uuid: () => string): string {
  return text.replace(/\{\{(n|time|unix|uuid)\}\}/g, (_, name: string) => {
    if (name === 'n') return String(count);
    if (name === 'time') return now.toISOString();
    return name === 'unix' ? String(Math.floor(now.getTime() / 1000)) : uuid();
  });
}
