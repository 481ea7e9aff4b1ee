// A payload as source: for a shell, a program, a ticket. Pure.
import { hexBytes, hexLines } from './hex';

export const copyForms = ['text', 'hex', 'dump', 'base64', 'curl', 'python', 'c'] as const;
export type CopyForm = (typeof copyForms)[number];

export function toBase64(bytes: Uint8Array): string {
  let binary = '';
  for (let at = 0; at < bytes.length; at += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return btoa(binary);
}

const quotes = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** b'…', as repr() writes it. */
export function pythonBytes(bytes: Uint8Array): string {
  const names = new Map([
    [0x09, '\\t'],
    [0x0a, '\\n'],
    [0x0d, '\\r'],
    [0x5c, '\\\\'],
    [0x27, "\\'"],
  ]);
  const inner = Array.from(
    bytes,
    (byte) =>
      names.get(byte) ??
      (byte >= 0x20 && byte < 0x7f
        ? String.fromCharCode(byte)
        : `\\x${byte.toString(16).padStart(2, '0')}`),
  );
  return `b'${inner.join('')}'`;
}

export function cArray(bytes: Uint8Array): string {
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += 12) {
    const row = Array.from(
      bytes.subarray(at, at + 12),
      (byte) => `0x${byte.toString(16).padStart(2, '0')}`,
    );
    rows.push(`  ${row.join(', ')},`);
  }
  return `static const unsigned char message[${bytes.length}] = {\n${rows.join('\n')}\n};`;
}

/** A line that sends the same bytes to `url`. What a shell cannot carry goes through base64. */
export function curlLine(bytes: Uint8Array, text: string | null, url: string): string {
  if (text !== null && !text.includes('\0')) {
    return `curl --data-raw ${quotes(text)} ${quotes(url)}`;
  }
  return `echo ${toBase64(bytes)} | base64 -d | curl --data-binary @- ${quotes(url)}`;
}

export function copyAs(form: CopyForm, bytes: Uint8Array, text: string | null, url: string): string {
  switch (form) {
    case 'text':
      return text ?? new TextDecoder().decode(bytes);
    case 'hex':
      return hexBytes(bytes, bytes.length);
    case 'dump':
      return hexLines(bytes, 16, bytes.length)
        .map((line) => `${line.offset}  ${line.hex}  ${line.ascii}`)
        .join('\n');
    case 'base64':
      return toBase64(bytes);
    case 'curl':
      return curlLine(bytes, text, url);
    case 'python':
      return pythonBytes(bytes);
    case 'c':
      return cArray(bytes);
  }
}
