// The bytes of one message: as JSON, as text, as hexadecimal digits.
import { useMemo } from 'preact/hooks';
import { payloadBytes } from '../payload/bytes';
import { type HexLine, hexLines } from '../payload/hex';
import { isJson, prettyJson } from '../payload/json';
import type { PayloadEvent } from '../protocol/event';
import type { PayloadMode, Ui } from '../store/ui';
import { en } from '../text/en';
import { useApp } from './context';

/** More than that is not drawn: a browser takes seconds to lay out a megabyte of text. */
const MAX_TEXT = 256 * 1024;
const MAX_JSON = 128 * 1024;
const MAX_HEX = 16 * 1024;

const modes: readonly PayloadMode[] = ['json', 'text', 'hex'];

export function modesOf(event: PayloadEvent): PayloadMode[] {
  const hasJson = event.text !== undefined && isJson(event.text);
  return modes.filter((mode) => mode !== 'json' || hasJson);
}

/** As the person chose last where that is possible, else as the payload suggests. */
export function modeOf(ui: Ui, event: PayloadEvent, possible: readonly PayloadMode[]): PayloadMode {
  if (ui.payloadMode !== null && possible.includes(ui.payloadMode)) return ui.payloadMode;
  return possible.includes('json') ? 'json' : event.text === undefined ? 'hex' : 'text';
}

function Cut({ shown, all }: { shown: number; all: number }) {
  return shown < all ? <p class="note warn">{en.detail.cut(shown, all)}</p> : null;
}

function JsonView({ text }: { text: string }) {
  const tokens = useMemo(() => (text.length > MAX_JSON ? null : prettyJson(text)), [text]);
  if (tokens === null) return <TextView text={text} size={text.length} />;
  return (
    <pre class="mono">
      {tokens.map((token) =>
        token.kind === 'plain' ? (
          token.text
        ) : (
          <span key={token.at} class={`json-${token.kind}`}>
            {token.text}
          </span>
        ),
      )}
    </pre>
  );
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

const dump = (lines: readonly HexLine[]): string =>
  lines.map((line) => `${line.offset}  ${line.hex}  ${line.ascii}`).join('\n');

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

/** What "Copy" puts into the clipboard: all of it, as it is shown. */
export function copyText(event: PayloadEvent, mode: PayloadMode): string {
  if (mode === 'hex') return dump(hexLines(payloadBytes(event), 16, Number.POSITIVE_INFINITY));
  if (event.text === undefined) return new TextDecoder().decode(payloadBytes(event));
  if (mode === 'json')
    return prettyJson(event.text)
      .map((token) => token.text)
      .join('');
  return event.text;
}

export function PayloadView({ event, mode }: { event: PayloadEvent; mode: PayloadMode }) {
  const { ui } = useApp();
  const bytes = useMemo(() => payloadBytes(event), [event]);
  const possible = useMemo(() => modesOf(event), [event]);
  return (
    <>
      <div class="tabs" role="tablist" aria-label={en.detail.modesLabel}>
        {possible.map((each) => (
          <button
            key={each}
            type="button"
            role="tab"
            aria-selected={each === mode}
            aria-controls="payload"
            onClick={() => ui.setPayloadMode(each)}
          >
            {en.detail.modes[each]}
          </button>
        ))}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: long payloads scroll by keyboard too */}
      <div class="detail-body" role="tabpanel" id="payload" tabIndex={0}>
        {bytes.length === 0 && <p class="note">{en.detail.empty}</p>}
        {bytes.length > 0 && mode === 'json' && <JsonView text={event.text ?? ''} />}
        {bytes.length > 0 && mode === 'hex' && <HexView bytes={bytes} />}
        {bytes.length > 0 && mode === 'text' && event.text === undefined && (
          <p class="note">{en.detail.notText}</p>
        )}
        {bytes.length > 0 && mode === 'text' && (
          <TextView text={event.text ?? new TextDecoder().decode(bytes)} size={bytes.length} />
        )}
      </div>
    </>
  );
}
