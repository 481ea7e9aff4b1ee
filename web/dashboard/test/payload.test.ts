import assert from 'node:assert/strict';
import { test } from 'node:test';
import { payloadBytes } from '../src/payload/bytes';
import { copyAs } from '../src/payload/copy';
import { cborTree, messagePackTree } from '../src/payload/decoders';
import { Payload } from '../src/payload/formats';
import { splitHead } from '../src/payload/head';
import { hexBytes, hexLines } from '../src/payload/hex';
import { isJson, jsonTree } from '../src/payload/json';
import { preview } from '../src/payload/preview';
import { protobufTree } from '../src/payload/protobuf';
import { pathStep, type Tree, treeText } from '../src/payload/tree';
import { message } from './support/events';

const pretty = (text: string): string => treeText(jsonTree(text) ?? { kind: 'word', text: 'too deep' });
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const shown = (tree: Tree | null): string | null =>
  tree === null ? null : treeText(tree).replace(/\s+/g, ' ');

test('json_tree_says_the_same_as_the_text', () => {
  const text = '{"a":[1,-2.5e3,{"b":"x, {}: \\"y\\\\"}],"c":{},"d":[],"e":null,"f":true}';
  assert.equal(pretty(text), JSON.stringify(JSON.parse(text), null, 2).replace('-2500', '-2.5e3'));
});

test('json_tree_keeps_numbers_that_a_double_cannot_and_doubled_keys', () => {
  assert.match(pretty('{"id":12345678901234567890}'), /12345678901234567890/);
  assert.equal(pretty('{"a":1,"a":2}').match(/"a"/g)?.length, 2);
});

test('json_tree_of_a_long_or_deep_text_does_not_overflow', () => {
  const text = `["${'x\\n'.repeat(200_000)}"]`;
  assert.equal(pretty(text).length, text.length + 4);
  assert.equal(jsonTree('['.repeat(5000) + ']'.repeat(5000)), null);
});

test('paths_are_as_one_writes_them', () => {
  assert.equal(pathStep('"data"', 0), '.data');
  assert.equal(pathStep('"odd key"', 0), '["odd key"]');
  assert.equal(pathStep(null, 3), '[3]');
});

test('messagepack_is_told_apart_from_other_bytes', () => {
  assert.equal(
    shown(messagePackTree(bytes('82a56576656e74a47469636ba4646174610c'))),
    '{ "event": "tick", "data": 12 }',
  );
  assert.equal(
    shown(messagePackTree(bytes('81 a1 69 cf ffffffffffffffff'))),
    '{ "i": 18446744073709551615 }',
  );
  assert.equal(
    shown(messagePackTree(bytes('93 c4 02 00ff c0 d4 05 aa'))),
    "[ h'00 ff', null, { ext 5: h'aa' } ]",
  );
  for (const hex of ['ff 00 12', '01', '82 a5', 'c1', ''])
    assert.equal(messagePackTree(bytes(hex)), null, hex);
  assert.equal(messagePackTree(new Uint8Array(100_000).fill(0x91)), null);
});

test('cbor_shows_tags_and_keys_of_any_kind', () => {
  assert.equal(shown(cborTree(bytes('a2 01 82 02 f5 6161 40'))), '{ 1: [ 2, true ], "a": h\'\' }');
  assert.equal(shown(cborTree(bytes('c1 1a514b67b0'))), '{ tag 1: 1363896240 }');
  for (const hex of ['01', 'a1', 'ff', '']) assert.equal(cborTree(bytes(hex)), null, hex);
  assert.equal(cborTree(new Uint8Array(100_000).fill(0x81)), null);
});

test('protobuf_shows_fields_by_number', () => {
  assert.equal(
    shown(protobufTree(bytes('08 9601 12 07 74657374696e67 1a 03 08 9601 25 01000000'))),
    '{ 1: 150, 2: "testing", 3: { 1: 150 }, 4: 1 (fixed32) }',
  );
  for (const hex of ['00', '0a 05 61', '0f', '']) assert.equal(protobufTree(bytes(hex)), null, hex);
});

test('a_head_is_apart_from_its_body', () => {
  const head = splitHead(Buffer.from('Content-Length: 9\r\n\r\n{"id":12}'));
  assert.deepEqual(head?.fields, [{ name: 'Content-Length', value: '9' }]);
  assert.equal(Buffer.from(head?.body ?? []).toString(), '{"id":12}');
  const request = splitHead(Buffer.from('GET /a HTTP/1.1\r\nHost: x\r\n\r\n'));
  assert.equal(request?.startLine, 'GET /a HTTP/1.1');
  for (const text of ['a: b\n\nc', 'GET / HTTP/1.1\r\nHost: x\r\n', 'Content-Length 1\n\n', '']) {
    assert.equal(splitHead(Buffer.from(text)), null, text);
  }
});

test('the_way_to_look_suggests_itself', () => {
  const { text: _, ...rest } = message(1);
  const of = (hex: string) =>
    Payload.ofEvent({ ...rest, size: 1, base64: Buffer.from(bytes(hex)).toString('base64') });
  assert.equal(Payload.ofEvent(message(1)).natural, 'text');
  assert.equal(Payload.ofEvent(message(1, { text: '{"a":1}' })).natural, 'json');
  assert.equal(Payload.ofEvent(message(1, { text: 'Content-Length: 2\r\n\r\n{}' })).natural, 'head');
  assert.equal(of('82a56576656e74a47469636ba4646174610c').natural, 'messagepack');
  assert.equal(of('ff00').natural, 'hex');
  assert.deepEqual(of('08ff01').possible, ['protobuf', 'text', 'hex', 'base64']);
  assert.equal(of('08ff01').natural, 'hex');
});

test('copies_are_what_they_are_called', () => {
  const data = bytes('61 27 0a 00 ff 5c');
  assert.equal(copyAs('python', data, null, ''), "b'a\\'\\n\\x00\\xff\\\\'");
  assert.equal(
    copyAs('c', bytes('61ff'), null, ''),
    'static const unsigned char message[2] = {\n  0x61, 0xff,\n};',
  );
  assert.equal(copyAs('base64', data, null, ''), Buffer.from(data).toString('base64'));
  assert.equal(copyAs('hex', bytes('61ff'), null, ''), '61 ff');
  assert.equal(copyAs('curl', bytes('40'), "@it's", 'u'), "curl --data-raw '@it'\\''s' 'u'");
  assert.match(copyAs('curl', data, null, 'u'), /^echo \S+ \| base64 -d \| curl --data-binary @- 'u'$/);
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
