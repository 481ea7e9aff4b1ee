// A payload as bytes, whichever way it came. Pure.
import type { PayloadEvent } from '../protocol/event';

const encoder = new TextEncoder();

export function fromBase64(text: string): Uint8Array {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}

export function payloadBytes(event: PayloadEvent): Uint8Array {
  if (event.text !== undefined) return encoder.encode(event.text);
  try {
    return fromBase64(event.base64 ?? '');
  } catch {
    return new Uint8Array();
  }
}
