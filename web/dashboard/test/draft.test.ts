import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeDraft, fillVariables } from '../src/payload/encode';
import { Draft } from '../src/store/draft';
import { FrameScheduler } from '../src/store/topic';

function newDraft(kept = new Map<string, readonly string[]>()) {
  const memory = {
    recall: (key: string) => [...(kept.get(key) ?? [])],
    remember: (key: string, list: readonly string[]) => void kept.set(key, list),
  };
  return { draft: new Draft(new FrameScheduler(() => undefined), memory), kept };
}

const bytesOf = (
  mode: 'text' | 'json' | 'hex' | 'base64',
  text: string,
  ending: 'lf' | 'crlf' = 'lf',
) => {
  const encoded = encodeDraft(mode, text, ending);
  return encoded.ok ? Buffer.from(encoded.bytes).toString('latin1') : `at ${encoded.offset}`;
};

test('draft_of_each_mode_becomes_its_bytes', () => {
  assert.equal(bytesOf('text', 'a\nb\r\nc'), 'a\nb\nc');
  assert.equal(bytesOf('text', 'a\nb\r\nc', 'crlf'), 'a\r\nb\r\nc');
  assert.equal(
    bytesOf('json', '{ "id": 12345678901234567890,\n "a": [1, "x y"] }'),
    '{"id":12345678901234567890,"a":[1,"x y"]}',
  );
  assert.equal(bytesOf('hex', '0x61 62\n63,64:65 0D0a'), 'abcde\r\n');
  assert.equal(bytesOf('base64', ' YWI\nj '), 'ab#');
  assert.equal(bytesOf('base64', '_-8='), '\xff\xef');
  assert.equal(bytesOf('text', ''), '');
});

test('draft_that_is_wrong_says_where', () => {
  const json: [string, number][] = [
    ['{"a":}', 5],
    ['{"a":1,}', 7],
    ['[1,]', 3],
    ['[1 2]', 3],
    ['{"a":1', 6],
    ['{a:1}', 1],
    ['"a', 0],
    ['[01]', 2],
    ['[1]]', 3],
    ['', 0],
    ['{"a"} ', 4],
  ];
  for (const [text, offset] of json) assert.equal(bytesOf('json', text), `at ${offset}`, text);
  assert.equal(bytesOf('hex', '61 6'), 'at 3');
  assert.equal(bytesOf('hex', 'xy'), 'at 0');
  assert.equal(bytesOf('base64', 'YW*j'), 'at 2');
});

test('draft_recalls_what_was_sent_newest_first', () => {
  const { draft, kept } = newDraft();
  for (const text of ['one', 'two', 'one']) {
    draft.setText(text);
    draft.keepSent();
  }
  draft.setText('new');
  const recalled = [1, 1, 1, -1].map((step) => {
    draft.recall(step);
    return draft.text;
  });
  assert.deepEqual(recalled, ['one', 'two', 'two', 'one']);
  const { draft: later } = newDraft(kept);
  assert.deepEqual(later.sent, [
    { mode: 'text', text: 'one' },
    { mode: 'text', text: 'two' },
  ]);
});

test('draft_keeps_a_bounded_past', () => {
  const { draft } = newDraft();
  for (let index = 0; index < 60; index++) {
    draft.setText(`message ${index}`);
    draft.keepSent();
  }
  draft.setText('x'.repeat(20_000));
  draft.keepSent();
  assert.equal(draft.sent.length, 50);
  assert.equal(draft.sent[0]?.text, 'message 59');
});

test('snippets_keep_mode_and_text_under_a_name', () => {
  const { draft, kept } = newDraft();
  draft.put({ mode: 'hex', text: '0d 0a' });
  draft.keepSnippet(' line\nend ');
  draft.put({ mode: 'json', text: '{"a":\n1}' });
  draft.keepSnippet('ask');
  const { draft: later } = newDraft(kept);
  assert.deepEqual(later.snippets, [
    { name: 'ask', mode: 'json', text: '{"a":\n1}' },
    { name: 'line end', mode: 'hex', text: '0d 0a' },
  ]);
  later.removeSnippet('ask');
  assert.equal(later.snippets.length, 1);
});

test('draft_of_a_payload_keeps_its_bytes', () => {
  const { draft } = newDraft();
  const again = (bytes: Uint8Array, text: string | null): string => {
    draft.putPayload(bytes, text);
    const encoded = draft.encode();
    return encoded.ok ? `${draft.mode} ${Buffer.from(encoded.bytes).toString('hex')}` : encoded.detail;
  };
  assert.equal(again(Buffer.from('hi'), 'hi'), 'text 6869');
  assert.equal(
    again(Buffer.from('{"a":1}'), '{"a":1}'),
    `json ${Buffer.from('{"a":1}').toString('hex')}`,
  );
  assert.equal(again(new Uint8Array([0xff, 0]), null), 'base64 ff00');
});

test('variables_are_filled_in', () => {
  const now = new Date(1_700_000_000_000);
  assert.equal(
    fillVariables('{{n}} {{time}} {{unix}} {{uuid}} {{other}}', 3, now, () => 'u'),
    '3 2023-11-14T22:13:20.000Z 1700000000 u {{other}}',
  );
});
