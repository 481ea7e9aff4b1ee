// What is being written in the composer, what was sent before, and what is kept under a name. No DOM here.
import { toBase64 } from '../payload/copy';
import {
  type DraftMode,
  draftModes,
  type Encoded,
  encodeDraft,
  type LineEnding,
} from '../payload/encode';
import { isJson } from '../payload/json';
import { type FrameScheduler, Topic } from './topic';

export interface Sent {
  readonly mode: Exclude<DraftMode, 'file'>;
  readonly text: string;
}

export interface Snippet extends Sent {
  readonly name: string;
}

/** Lists of texts that last longer than the page. */
export interface Memory {
  recall(key: string): string[];
  remember(key: string, list: readonly string[]): void;
}

const MAX_SENT = 50;
const MAX_SNIPPETS = 100;
/** A longer message is not kept: the browser gives a page some megabytes for everything. */
const MAX_KEPT = 16 * 1024;

const encodeSent = ({ mode, text }: Sent): string => `${mode} ${text}`;

function decodeSent(line: string): Sent | null {
  const space = line.indexOf(' ');
  const mode = draftModes.find((each) => each === line.slice(0, space));
  return mode === undefined || mode === 'file' ? null : { mode, text: line.slice(space + 1) };
}

export class Draft {
  readonly topic: Topic;
  mode: DraftMode = 'text';
  text = '';
  ending: LineEnding = 'lf';
  /** How long the answer is waited for; null: it is not. */
  callMs: number | null = null;
  file: { readonly name: string; readonly bytes: Uint8Array } | null = null;
  /** Newest first. */
  sent: readonly Sent[];
  snippets: readonly Snippet[];
  /** Which of `sent` stands in the box; -1: none of them. */
  #recalled = -1;

  constructor(
    scheduler: FrameScheduler,
    private readonly memory: Memory,
  ) {
    this.topic = new Topic(scheduler);
    this.sent = memory.recall('sent').flatMap((line) => decodeSent(line) ?? []);
    this.snippets = memory.recall('snippets').flatMap((line) => {
      const end = line.indexOf('\n');
      const sent = decodeSent(line.slice(end + 1));
      return end < 1 || sent === null ? [] : [{ ...sent, name: line.slice(0, end) }];
    });
  }

  setMode(mode: DraftMode): void {
    this.mode = mode;
    this.topic.changed();
  }

  setText(text: string): void {
    this.text = text;
    this.#recalled = -1;
    this.topic.changed();
  }

  setEnding(ending: LineEnding): void {
    this.ending = ending;
    this.topic.changed();
  }

  setCall(ms: number | null): void {
    this.callMs = ms;
    this.topic.changed();
  }

  setFile(name: string, bytes: Uint8Array): void {
    this.file = { name, bytes };
    this.setMode('file');
  }

  put({ mode, text }: Sent): void {
    this.mode = mode;
    this.text = text;
    this.topic.changed();
  }

  /** A message that was said, for sending it again. */
  putPayload(bytes: Uint8Array, text: string | null): void {
    if (text === null) this.put({ mode: 'base64', text: toBase64(bytes) });
    else this.put({ mode: isJson(text) ? 'json' : 'text', text });
  }

  /** `step` 1: the one sent before; -1: the one after. */
  recall(step: number): void {
    const index = Math.max(-1, Math.min(this.sent.length - 1, this.#recalled + step));
    const found = this.sent[index];
    if (found !== undefined) this.put(found);
    this.#recalled = index;
  }

  encode(text = this.text): Encoded {
    if (this.mode !== 'file') return encodeDraft(this.mode, text, this.ending);
    return this.file === null
      ? { ok: false, offset: 0, detail: 'choose a file' }
      : { ok: true, bytes: this.file.bytes };
  }

  keepSent(): void {
    if (this.mode === 'file' || this.text.length > MAX_KEPT) return;
    const now: Sent = { mode: this.mode, text: this.text };
    const others = this.sent.filter((each) => encodeSent(each) !== encodeSent(now));
    this.sent = [now, ...others].slice(0, MAX_SENT);
    this.#recalled = 0;
    this.memory.remember('sent', this.sent.map(encodeSent));
    this.topic.changed();
  }

  /** Replaces one of the same name. */
  keepSnippet(name: string): void {
    const clean = name.replace(/\s+/g, ' ').trim();
    if (clean === '' || this.mode === 'file' || this.text.length > MAX_KEPT) return;
    const others = this.snippets.filter((each) => each.name !== clean);
    this.#setSnippets([{ name: clean, mode: this.mode, text: this.text }, ...others]);
  }

  removeSnippet(name: string): void {
    this.#setSnippets(this.snippets.filter((each) => each.name !== name));
  }

  #setSnippets(list: readonly Snippet[]): void {
    this.snippets = list.slice(0, MAX_SNIPPETS);
    this.memory.remember(
      'snippets',
      this.snippets.map((each) => `${each.name}\n${encodeSent(each)}`),
    );
    this.topic.changed();
  }
}
