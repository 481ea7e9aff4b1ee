// The bytes of one message, in each way that they can be looked at.
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import { toBase64 } from '../payload/copy';
import { difference } from '../payload/difference';
import { Payload, type PayloadMode } from '../payload/formats';
import type { Head } from '../payload/head';
import { hexLines } from '../payload/hex';
import { isJson, jsonTree } from '../payload/json';
import { treeText } from '../payload/tree';
import type { PayloadEvent } from '../protocol/event';
import type { Row } from '../store/row';
import { en } from '../text/en';
import { useApp } from './context';
import { TreeView } from './tree_view';

/** More than that is not drawn: a browser takes seconds to lay out a megabyte of text. */
const MAX_TEXT = 256 * 1024;
const MAX_HEX = 16 * 1024;

function Cut({ shown, all }: { shown: number; all: number }) {
  return shown < all ? <p class="note warn">{en.detail.cut(shown, all)}</p> : null;
}

function TextView({ text, size }: { text: string; size: number }) {
  const shown = text.slice(0, MAX_TEXT);
  return (
    <>
      <Cut shown={shown.length < text.length ? shown.length : size} all={size} />
      <pre class="mono">{shown}</pre>
    </>
  );
}

function HexView({ bytes }: { bytes: Uint8Array }) {
  const lines = useMemo(() => hexLines(bytes, 8, MAX_HEX), [bytes]);
  return (
    <>
      <Cut shown={Math.min(bytes.length, MAX_HEX)} all={bytes.length} />
      <pre class="mono hex">
        {lines.map((line) => (
          <div key={line.offset}>
            <span class="faint">{line.offset}</span>
            {`  ${line.hex}  `}
            <span class="ascii">{line.ascii}</span>
          </div>
        ))}
      </pre>
    </>
  );
}

function HeadView({ head }: { head: Head }) {
  const text = useMemo(() => new TextDecoder().decode(head.body), [head]);
  const tree = useMemo(() => (isJson(text) ? jsonTree(text) : null), [text]);
  return (
    <>
      <dl class="head-fields mono">
        {head.startLine !== '' && <dt class="start-line">{head.startLine}</dt>}
        {head.fields.map(({ name, value }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a name may come twice, the list never changes
          <div key={index}>
            <dt class="json-key">{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {tree === null ? <TextView text={text} size={head.body.length} /> : <TreeView tree={tree} />}
    </>
  );
}

export function PayloadBody({
  payload,
  mode,
}: {
  payload: Payload;
  mode: PayloadMode;
}): ComponentChildren {
  const { bytes, text, head } = payload;
  const tree = payload.tree(mode);
  if (bytes.length === 0) return <p class="note">{en.detail.empty}</p>;
  if (tree !== undefined) return <TreeView tree={tree} />;
  if (mode === 'head' && head !== null) return <HeadView head={head} />;
  if (mode === 'hex') return <HexView bytes={bytes} />;
  if (mode === 'base64') return <TextView text={toBase64(bytes)} size={bytes.length} />;
  return (
    <>
      {text === null && <p class="note">{en.detail.notText}</p>}
      <TextView text={text ?? new TextDecoder().decode(bytes)} size={bytes.length} />
    </>
  );
}

const signs = { same: ' ', added: '+', removed: '-' } as const;

function CompareView({ row, payload, mode }: { row: Row; payload: Payload; mode: PayloadMode }) {
  const { ui } = useApp();
  const lines = useMemo(() => {
    const { event } = row;
    if (event.kind !== 'message' && event.kind !== 'injected') return null;
    const other = Payload.ofEvent(event);
    return difference(
      shownText(other, other.possible.includes(mode) ? mode : other.natural),
      shownText(payload, mode),
    );
  }, [row, payload, mode]);
  const isSame = lines?.every(({ kind }) => kind === 'same') === true;
  return (
    <>
      <p class="note">
        {en.detail.comparedWith(row.event.seq)}{' '}
        <button type="button" class="link-button" onClick={() => ui.setCompared(null)}>
          {en.detail.compareEnd}
        </button>
      </p>
      {lines === null && <p class="note warn">{en.detail.tooDifferent}</p>}
      {isSame && <p class="note">{en.detail.same}</p>}
      <pre class="mono difference">
        {lines?.map(({ at, kind, text }) => (
          <div key={at} class={kind}>
            {`${signs[kind]} ${text}`}
          </div>
        ))}
      </pre>
    </>
  );
}

/** As it is shown, all of it: for the clipboard. */
export function shownText(payload: Payload, mode: PayloadMode): string {
  const tree = payload.tree(mode);
  if (tree !== undefined) return treeText(tree);
  if (mode === 'base64') return toBase64(payload.bytes);
  if (mode !== 'hex') return payload.text ?? new TextDecoder().decode(payload.bytes);
  return hexLines(payload.bytes, 16, payload.bytes.length)
    .map((line) => `${line.offset}  ${line.hex}  ${line.ascii}`)
    .join('\n');
}

interface Props {
  readonly row: Row;
  readonly event: PayloadEvent;
  readonly payload: Payload;
  readonly mode: PayloadMode;
}

export function PayloadView({ row, event, payload, mode }: Props) {
  const { ui } = useApp();
  const { pipe } = event;
  const { compared } = ui;
  const isComparing = compared !== null && compared !== row;
  return (
    <>
      <div class="tabs" role="tablist" aria-label={en.detail.modesLabel}>
        {payload.possible.map((each) => (
          <button
            key={each}
            type="button"
            role="tab"
            aria-selected={each === mode && !isComparing}
            aria-controls="payload"
            title={en.detail.pinned(pipe)}
            onClick={() => {
              ui.setCompared(null);
              ui.pin(pipe, each === payload.natural ? null : each);
            }}
          >
            {en.detail.modes[each]}
          </button>
        ))}
        <button
          type="button"
          role="tab"
          aria-selected={isComparing}
          aria-controls="payload"
          title={compared === null ? en.detail.compareThis : undefined}
          onClick={() => ui.setCompared(compared === null ? row : null)}
        >
          {en.detail.compare}
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long payloads scroll by keyboard too */}
      <div class="detail-body" role="tabpanel" id="payload" tabIndex={0}>
        {compared === row && <p class="note">{en.detail.compareHint}</p>}
        {isComparing ? (
          <CompareView row={compared} payload={payload} mode={mode} />
        ) : (
          <PayloadBody payload={payload} mode={mode} />
        )}
      </div>
    </>
  );
}
