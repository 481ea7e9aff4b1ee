// What stands below the composer's box: what was sent, what has a name, sending again and again, the curl line.
import { useState } from 'preact/hooks';
import { messagesPath, type Target } from '../connection/api';
import { copyAs } from '../payload/copy';
import type { Direction } from '../protocol/event';
import { en } from '../text/en';
import { useApp } from './context';
import { copyToClipboard } from './copy_button';
import { focusComposer } from './focus_composer';
import { Menu } from './menu';
import type { Sending } from './use_sending';

const MAX_REPEAT = 10_000;
/** Of a text in a list. */
const MAX_SHOWN = 60;

export function SentMenu() {
  const { draft } = useApp();
  if (draft.sent.length === 0) return null;
  return (
    <Menu label={`${en.composer.history} ▾`} title={en.composer.historyKeys} isUp>
      {(close) =>
        draft.sent.slice(0, 15).map((sent) => (
          <button
            key={`${sent.mode} ${sent.text}`}
            type="button"
            class="btn quiet mono"
            onClick={() => {
              draft.put(sent);
              close();
              focusComposer();
            }}
          >
            {sent.text.slice(0, MAX_SHOWN) || en.table.empty}
          </button>
        ))
      }
    </Menu>
  );
}

export function SnippetMenu() {
  const { draft } = useApp();
  const [name, setName] = useState('');
  return (
    <Menu label={`${en.composer.snippets} ▾`} title={en.composer.snippetHint} isUp>
      {(close) => (
        <>
          {draft.snippets.map((snippet) => (
            <div key={snippet.name} class="menu-row">
              <button
                type="button"
                class="btn quiet grow"
                title={snippet.text.slice(0, 200)}
                onClick={() => {
                  draft.put(snippet);
                  close();
                  focusComposer();
                }}
              >
                {snippet.name}
              </button>
              <button
                type="button"
                class="btn quiet"
                aria-label={en.composer.removeSnippet(snippet.name)}
                title={en.composer.removeSnippet(snippet.name)}
                onClick={() => draft.removeSnippet(snippet.name)}
              >
                ✕
              </button>
            </div>
          ))}
          <form
            class="menu-row"
            onSubmit={(event) => {
              event.preventDefault();
              draft.keepSnippet(name);
              setName('');
            }}
          >
            <input
              type="text"
              class="field grow"
              maxLength={60}
              aria-label={en.composer.snippetName}
              placeholder={en.composer.snippetName}
              value={name}
              onInput={(event) => setName(event.currentTarget.value)}
            />
            <button type="submit" class="btn" disabled={name.trim() === '' || draft.mode === 'file'}>
              {en.composer.keepSnippet}
            </button>
          </form>
          <p class="menu-note faint">{en.composer.snippetHint}</p>
        </>
      )}
    </Menu>
  );
}

export function RepeatMenu({ sending }: { sending: Sending }) {
  const [times, setTimes] = useState(10);
  const [intervalMs, setIntervalMs] = useState(1000);
  return (
    <Menu label={en.composer.repeat} isUp>
      {(close) => (
        <form
          class="repeat"
          onSubmit={(event) => {
            event.preventDefault();
            close();
            sending.repeat({ times, intervalMs });
          }}
        >
          <label>
            {en.composer.times}
            <input
              class="field num"
              type="number"
              min={1}
              max={MAX_REPEAT}
              required
              value={times}
              onInput={(event) => setTimes(event.currentTarget.valueAsNumber)}
            />
          </label>
          <label>
            {en.composer.interval}
            <input
              class="field num"
              type="number"
              min={0}
              max={3_600_000}
              required
              value={intervalMs}
              onInput={(event) => setIntervalMs(event.currentTarget.valueAsNumber)}
            />
          </label>
          <button type="submit" class="btn">
            {en.composer.start}
          </button>
        </form>
      )}
    </Menu>
  );
}

export function CurlButton({ target, direction }: { target: Target; direction: Direction | null }) {
  const { draft } = useApp();
  const [isCopied, setCopied] = useState(false);
  const encoded = draft.encode();
  const copy = async (): Promise<void> => {
    if (!encoded.ok) return;
    const url = `${location.origin}${messagesPath(target, direction)}`;
    const text =
      draft.mode === 'text' || draft.mode === 'json' ? new TextDecoder().decode(encoded.bytes) : null;
    setCopied(await copyToClipboard(copyAs('curl', encoded.bytes, text, url)));
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <button type="button" class="btn quiet" disabled={!encoded.ok} onClick={() => void copy()}>
      <span aria-live="polite">{isCopied ? en.detail.copied : en.composer.copyCurl}</span>
    </button>
  );
}
