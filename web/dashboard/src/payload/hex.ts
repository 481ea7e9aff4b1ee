// Bytes as hexadecimal digits. Pure.

const digits: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
);

/** "82 a5 65": the first `limit` bytes. */
export function hexBytes(bytes: Uint8Array, limit: number): string {
  const shown = bytes.length > limit ? bytes.subarray(0, limit) : bytes;
  return Array.from(shown, (byte) => digits[byte]).join(' ');
}

export interface HexLine {
  readonly offset: string;
  readonly hex: string;
  readonly ascii: string;
}

/** A dump of the first `limit` bytes, `width` to a line: offset, digits (padded to the full width), ASCII. */
export function hexLines(bytes: Uint8Array, width: number, limit: number): HexLine[] {
  const lines: HexLine[] = [];
  const end = Math.min(bytes.length, limit);
  const offsetDigits = end > 0x10000 ? 6 : 4;
  for (let start = 0; start < end; start += width) {
    const part = bytes.subarray(start, Math.min(start + width, end));
    lines.push({
      offset: start.toString(16).padStart(offsetDigits, '0'),
      hex: hexBytes(part, width).padEnd(width * 3 - 1),
      ascii: Array.from(part, (byte) =>
        byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
      ).join(''),
    });
  }
  return lines;
}
