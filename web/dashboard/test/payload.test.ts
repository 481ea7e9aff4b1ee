import assert from 'node:assert/strict';
import { test } from 'node:test';
import { payloadBytes } from '../src/payload/bytes';
import { hexBytes, hexLines } from '../src/payload/hex';
import { isJson, prettyJson } from '../src/payload/json';
import { preview } from '../src/payload/preview';
import { message } from './support/events';

const pretty = (text: string): string =>
  prettyJson(text)
    .map((token) => token.text)
    .join('');

test('json_pretty_says_the_same_as_the_text', () => {
  const text = '{"a":[1,-2.5e3,{"b":"x, {}: \\"y\\\\"}],"c":{},"d":[],"e":null,"f":true}';
  assert.equal(pretty(text), JSON.stringify(JSON.parse(text), null, 2).replace('-2500', '-2.5e3'));
});

test('json_pretty_keeps_numbers_that_a_double_cannot', () => {
  assert.match(pretty('{"id":12345678901234567890}'), /12345678901234567890/);
});

test('json_pretty_tells_keys_from_strings', () => {
  const kinds = prettyJson('{"a":"b","c":[1,null]}')
    .filter((token) => token.kind !== 'plain')
    .map((token) => token.kind);
  assert.deepEqual(kinds, ['key', 'string', 'key', 'number', 'word']);
});

test('json_pretty_of_a_long_string_does_not_overflow', () => {
  const text = `["${'x\\n'.repeat(200_000)}"]`;
  assert.equal(pretty(text).length, text.length + 4);
});

test('json_is_only_objects_and_arrays', () => {
  for (const text of ['{}', ' [1]', '{"a":1}\n']) assert.equal(isJson(text), true, text);
  for (const text of ['1', '"a"', 'null', '{', 'hello', '']) assert.equal(isJson(text), false, text);
});

test('hex_lines_pad_the_last_one', () => {
  assert.deepEqual(hexLines(new Uint8Array([0x41, 0x00, 0xff]), 8, 100), [
    { offset: '0000', hex: '41 00 ff               ', ascii: 'A..' },
  ]);
  assert.equal(hexLines(new Uint8Array(100), 8, 20).length, 3);
  assert.equal(hexBytes(new Uint8Array([1, 2, 3]), 2), '01 02');
});

test('payload_bytes_of_text_and_of_base64', () => {
  assert.deepEqual([...payloadBytes(message(1, { text: 'é' }))], [0xc3, 0xa9]);
  const { text: _, ...rest } = message(1);
  assert.deepEqual([...payloadBytes({ ...rest, base64: '/wA=' })], [0xff, 0]);
  assert.deepEqual([...payloadBytes({ ...rest, base64: '***' })], []);
});

test('preview_is_one_line', () => {
  assert.deepEqual(preview(message(1, { text: 'a\nb\t\u007f' })), { kind: 'text', text: 'a␊b␉␡' });
  assert.deepEqual(preview(message(1, { text: '', size: 0 })), { kind: 'empty', text: '' });
  assert.equal(preview(message(1, { text: 'x'.repeat(9999), size: 9999 })).text.length, 400);
});

test('preview_of_bytes_that_are_no_text_is_hex', () => {
  const { text: _, ...rest } = message(1);
  assert.deepEqual(preview({ ...rest, size: 2, base64: '/wA=' }), { kind: 'hex', text: 'ff 00' });
  const long = Buffer.alloc(1000, 0xab).toString('base64');
  const shown = preview({ ...rest, size: 1000, base64: long });
  assert.equal(shown.text, `${'ab '.repeat(48)}…`);
});
