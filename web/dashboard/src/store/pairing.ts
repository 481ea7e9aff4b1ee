// Which message answers which: by the id that requests and answers of JSON-RPC, mpv and their kin carry. Pure.
import type { PayloadEvent } from '../protocol/event';
import type { Row } from './row';

/** Questions that wait for an answer; the oldest are forgotten first. */
const MAX_OPEN = 20_000;
/** Ids stand near the start, or in messages that are short. */
const MAX_LOOKED_AT = 2048;

const idPattern = /"(id|request_id|msgid|seq|request_seq)"\s*:\s*("[^"\\]*"|-?\d+)/g;

/** Debug adapters answer `seq` with `request_seq`; all others repeat the name. */
const asked = new Map([['request_seq', 'seq']]);

export class Pairing {
  #open = new Map<string, Row>();

  /** Has `row` been asked for by a message before it? Both are told. */
  add(row: Row): void {
    const { event } = row;
    if (event.kind !== 'message' && event.kind !== 'injected') return;
    if (event.session === 0 || event.text === undefined) return;
    const text = event.text.slice(0, MAX_LOOKED_AT);
    if (!text.includes('{')) return;
    const other = event.direction === 'c2s' ? 's2c' : 'c2s';
    let isAnswer = false;
    for (const [, name = '', value] of text.matchAll(idPattern)) {
      const key = `${event.session} ${other} ${asked.get(name) ?? name} ${value}`;
      const question = this.#open.get(key);
      if (question === undefined || question.run !== row.run) continue;
      this.#open.delete(key);
      row.answers = question;
      question.answeredBy = row;
      isAnswer = true;
      break;
    }
    if (!isAnswer) this.#ask(row, event, text);
  }

  #ask(row: Row, event: PayloadEvent, text: string): void {
    for (const [, name = '', value] of text.matchAll(idPattern)) {
      if (name === 'request_seq') continue;
      this.#open.set(`${event.session} ${event.direction} ${name} ${value}`, row);
    }
    while (this.#open.size > MAX_OPEN) {
      const oldest = this.#open.keys().next();
      if (oldest.done === true) return;
      this.#open.delete(oldest.value);
    }
  }
}
