// One line for the table: what a payload begins with. Pure.
import type { PayloadEvent } from '../protocol/event';
import { fromBase64, payloadBytes } from './bytes';
import { hexBytes } from './hex';

const MAX_CHARACTERS = 400;
const MAX_BYTES = 48;

export interface Preview {
  readonly kind: 'text' | 'hex' | 'empty';
  readonly text: string;
}

/** Control characters as their pictures (␊ for a line feed), so that one line stays one line. */
export function visibleControls(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return text.replace(/[\u0000-\u001f\u007f]/g, (character) => {
    const code = character.charCodeAt(0);
    return code === 0x7f ? '\u2421' : String.fromCharCode(0x2400 + code);
  });
}

export function preview(event: PayloadEvent): Preview {
  if (event.size === 0) return { kind: 'empty', text: '' };
  if (event.text !== undefined) {
    return { kind: 'text', text: visibleControls(event.text.slice(0, MAX_CHARACTERS)) };
  }
  const head = (event.base64 ?? '').slice(0, Math.ceil(MAX_BYTES / 3) * 4);
  const more = event.size > MAX_BYTES ? ' …' : '';
  try {
    return { kind: 'hex', text: hexBytes(fromBase64(head), MAX_BYTES) + more };
  } catch {
    return { kind: 'hex', text: hexBytes(payloadBytes(event), MAX_BYTES) + more };
  }
}
