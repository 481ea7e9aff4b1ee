// Payloads that begin with lines of "Name: value" and an empty line, as HTTP, language servers and debug adapters
// speak (RFC 9112 §2.1): the head apart from the body. Pure.

export interface Head {
  /** "GET / HTTP/1.1"; '' where there is none. */
  readonly startLine: string;
  readonly fields: readonly { readonly name: string; readonly value: string }[];
  readonly body: Uint8Array;
}

const MAX_HEAD = 16 * 1024;
const startLine = /^(?:[A-Z]+ \S+ HTTP\/\d(?:\.\d)?|HTTP\/\d(?:\.\d)? \d{3}.*)$/;
const headerLine = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*(.*?)[ \t]*$/;
const decoder = new TextDecoder();

export function splitHead(bytes: Uint8Array): Head | null {
  const text = decoder.decode(bytes.subarray(0, MAX_HEAD));
  const end = /\r?\n\r?\n/.exec(text);
  if (end === null) return null;
  const lines = text.slice(0, end.index).split(/\r?\n/);
  const first = startLine.test(lines[0] ?? '') ? (lines.shift() ?? '') : '';
  const fields: { name: string; value: string }[] = [];
  for (const line of lines) {
    const parts = headerLine.exec(line);
    if (parts === null) return null;
    fields.push({ name: parts[1] ?? '', value: parts[2] ?? '' });
  }
  if (first === '' && !fields.some(({ name }) => name.toLowerCase() === 'content-length')) return null;
  const bodyAt = new TextEncoder().encode(text.slice(0, end.index + end[0].length)).length;
  return { startLine: first, fields, body: bytes.subarray(bodyAt) };
}
