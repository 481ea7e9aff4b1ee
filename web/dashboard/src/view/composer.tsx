// The box to send from: to a session, or to all of a pipe; in the notation that one likes; and what became of it.
import { useState } from 'preact/hooks';
import { messagesPath, type Target } from '../connection/api';
import { copyAs } from '../payload/copy';
import { draftModes } from '../payload/encode';
import type { Direction } from '../protocol/event';
import { en } from '../text/en';
import { useApp, useTopics } from './context';
import { copyToClipboard } from './copy_button';
import { Menu } from './menu';
import { currentTarget, DirectionSelect, isTap, TargetSelect } from './target_select';
import { type Outcome, type Sending, useSending } from './use_sending';

const BODY_ID = 'composer-body';
const MAX_REPEAT = 10_000;
/** Of a text in a list. */
const MAX_SHOWN = 60;

export function focusComposer(): void {
  requestAnimationFrame(() => document.getElementById(BODY_ID)?.focus());
}

function ModeSwitch() {
  const { draft } = useApp();
  return (
    <div class="switch" role="group" aria-label={en.composer.modesLabel}>
      {draftModes.map((mode) => (
        <button
          key={mode}
          type="button"
          aria-pressed={draft.mode === mode}
          onClick={() => draft.setMode(mode)}
        >
          {en.composer.modes[mode]}
        </button>
      ))}
    </div>
  );
}

function SentMenu() {
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

function SnippetMenu() {
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

function RepeatMenu({ sending }: { sending: Sending }) {
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

function CurlButton({ target, direction }: { target: Target; direction: Direction | null }) {
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

async function takeFile(file: File | undefined, take: (name: string, bytes: Uint8Array) => void) {
  if (file !== undefined) take(file.name, new Uint8Array(await file.arrayBuffer()));
}

function FileField() {
  const { draft } = useApp();
  const take = (name: string, bytes: Uint8Array): void => draft.setFile(name, bytes);
  return (
    <label class="file-field">
      <input
        type="file"
        class="unseen"
        onChange={(event) => void takeFile(event.currentTarget.files?.[0], take)}
      />
      {draft.file === null
        ? en.composer.chooseFile
        : en.composer.file(draft.file.name, draft.file.bytes.length)}
    </label>
  );
}

function TextField({ sending }: { sending: Sending }) {
  const { draft } = useApp();
  const { mode } = draft;
  const isWrong = draft.text !== '' && !draft.encode().ok;
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) sending.send();
    else if (event.altKey && event.key === 'ArrowUp') draft.recall(1);
    else if (event.altKey && event.key === 'ArrowDown') draft.recall(-1);
    else return;
    event.preventDefault();
  };
  return (
    <textarea
      id={BODY_ID}
      class="mono"
      rows={3}
      spellcheck={false}
      autocomplete="off"
      aria-label={en.composer.bodyLabel}
      aria-invalid={isWrong}
      aria-describedby="composer-state"
      placeholder={mode === 'file' ? '' : en.composer.placeholders[mode]}
      value={draft.text}
      onInput={(event) => draft.setText(event.currentTarget.value)}
      onKeyDown={onKeyDown}
    />
  );
}

function State({ sending }: { sending: Sending }) {
  const { draft } = useApp();
  const { progress, outcome } = sending;
  if (progress !== null) {
    return (
      <span class="outcome num" role="status">
        {en.composer.progress(progress.done, progress.times)}{' '}
        <button type="button" class="btn quiet" onClick={sending.cancel}>
          {en.composer.cancel}
        </button>
      </span>
    );
  }
  const encoded = draft.mode === 'text' || draft.text === '' ? null : draft.encode();
  const shown: Outcome =
    encoded?.ok === false
      ? { kind: 'bad', words: en.composer.wrong(encoded.offset + 1, encoded.detail) }
      : (outcome ?? {
          kind: 'faint',
          words: encoded === null ? '' : en.detail.bytes(encoded.bytes.length),
        });
  return (
    <span class={`outcome num ${shown.kind}`} role="status" id="composer-state">
      {shown.words}
    </span>
  );
}

export function Composer() {
  const { store, ui, draft } = useApp();
  useTopics(store.pipesTopic, store.sessionsTopic, ui.topic, draft.topic);
  const target = currentTarget(store, ui);
  const direction = target !== null && isTap(store, target) ? ui.direction : null;
  const sending = useSending(draft, target, direction);
  const [isOver, setOver] = useState(false);
  const isOpen = ui.isComposerOpen;
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    setOver(false);
    void takeFile(event.dataTransfer?.files[0], (name, bytes) => draft.setFile(name, bytes));
  };
  return (
    <section
      class={`composer ${isOpen ? '' : 'folded'} ${isOver ? 'over' : ''}`}
      aria-label={en.composer.title}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <div class="composer-top">
        <strong>{en.composer.title}</strong>
        <span class="dim">{en.composer.to}</span>
        {target === null ? (
          <span class="dim">{en.composer.noPipe(ui.route.pipe)}</span>
        ) : (
          <TargetSelect target={target} />
        )}
        {direction !== null && <DirectionSelect />}
        <span class="grow" />
        {isOpen && <ModeSwitch />}
        {isOpen && draft.mode === 'text' && (
          <select
            class="btn"
            aria-label={en.composer.endingLabel}
            value={draft.ending}
            onChange={(event) => draft.setEnding(event.currentTarget.value === 'crlf' ? 'crlf' : 'lf')}
          >
            <option value="lf">LF</option>
            <option value="crlf">CRLF</option>
          </select>
        )}
        <button
          type="button"
          class="btn quiet fold"
          aria-expanded={isOpen}
          aria-label={isOpen ? en.composer.hide : en.composer.show}
          title={isOpen ? en.composer.hide : en.composer.show}
          onClick={() => ui.setComposerOpen(!isOpen)}
        >
          <span aria-hidden="true">{isOpen ? '▾' : '▴'}</span>
        </button>
      </div>
      <div class="composer-rest">
        {draft.mode === 'file' ? <FileField /> : <TextField sending={sending} />}
        <div class="composer-end">
          <State sending={sending} />
          <span class="grow" />
          <SentMenu />
          <SnippetMenu />
          <RepeatMenu sending={sending} />
          {target !== null && <CurlButton target={target} direction={direction} />}
          <button
            type="button"
            class="btn primary"
            disabled={target === null}
            aria-busy={sending.isSending}
            aria-keyshortcuts="Control+Enter"
            onClick={sending.send}
          >
            {sending.isSending ? en.composer.sending : en.composer.send} <kbd>Ctrl ⏎</kbd>
          </button>
        </div>
      </div>
    </section>
  );
}
