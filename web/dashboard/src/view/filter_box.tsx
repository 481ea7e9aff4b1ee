// The filter: what is typed takes effect while one types; what is wrong is said under the letter; what could
// stand at the caret is offered.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type Completion, type Completions, complete } from '../filter/complete';
import { maxLength } from '../filter/parse';
import { en } from '../text/en';
import { useApp, useTopics } from './context';

export const FILTER_ID = 'filter';
const LIST_ID = 'filter-list';
const TYPING_MS = 120;
const MAX_HISTORY = 12;
const nothing: Completions = { start: 0, end: 0, list: [] };

const optionId = (index: number): string => `filter-option-${index}`;

function useHistory() {
  const { ui } = useApp();
  const read = (): string[] => ui.recall('filters');
  const add = (text: string): void => {
    if (text.trim() === '') return;
    ui.remember('filters', [text, ...read().filter((each) => each !== text)].slice(0, MAX_HISTORY));
  };
  return { read, add };
}

/** What is offered for the text up to the caret; the history where there is none. */
function useOffers() {
  const { store } = useApp();
  const history = useHistory();
  const [offers, setOffers] = useState<Completions>(nothing);
  const [chosen, setChosen] = useState(-1);
  const offer = (input: HTMLInputElement): void => {
    const text = input.value;
    const known = {
      pipes: store.pipes.map(({ info }) => info.name),
      sessions: store.sessions.ofPipe(store.view.filter.pipe).map(({ info }) => ({
        id: info.id,
        name: info.peer.name,
      })),
      keys: en.filter.keys,
    };
    const found = complete(text, input.selectionStart ?? text.length, known);
    const past = history.read().map((each) => ({ text: each, hint: en.filter.recent }));
    setOffers(text === '' ? { start: 0, end: 0, list: [...past, ...found.list].slice(0, 16) } : found);
    setChosen(-1);
  };
  const close = (): void => {
    setOffers(nothing);
    setChosen(-1);
  };
  return { offers, chosen, setChosen, offer, close, history };
}

interface ListProps {
  readonly list: readonly Completion[];
  readonly chosen: number;
  readonly take: (completion: Completion) => void;
}

function OfferList({ list, chosen, take }: ListProps) {
  return (
    <div class="offers" role="listbox" id={LIST_ID} aria-label={en.filter.offers}>
      {list.map((each, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the input
        <div
          key={each.text}
          id={optionId(index)}
          role="option"
          aria-selected={index === chosen}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => take(each)}
        >
          <span class="mono">{each.text}</span>
          <span class="faint">{each.hint}</span>
        </div>
      ))}
    </div>
  );
}

function Problem({ text }: { text: string }) {
  const { store } = useApp();
  const { problem } = store.query;
  if (problem === null || text !== store.query.text) return null;
  return (
    <div class="filter-problem" role="alert" id="filter-problem">
      <pre class="mono" aria-hidden="true">
        {text.slice(0, problem.offset)}
        <mark>{text.slice(problem.offset, problem.offset + 1) || ' '}</mark>
        {text.slice(problem.offset + 1)}
      </pre>
      {en.filter.problem(problem.offset + 1, problem.detail)}
    </div>
  );
}

export function FilterBox() {
  const { store, ui } = useApp();
  useTopics(ui.topic, store.messagesTopic);
  const input = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(ui.route.query);
  const { offers, chosen, setChosen, offer, close, history } = useOffers();
  const applied = ui.route.query;
  // Another place (a link, "back") has another filter.
  useEffect(() => setText(applied), [applied]);
  const delay = useMemo(() => ({ id: 0 }), []);

  const apply = (value: string): void => {
    clearTimeout(delay.id);
    if (value !== ui.route.query) ui.setQuery(value);
  };
  const type = (value: string): void => {
    setText(value);
    clearTimeout(delay.id);
    delay.id = window.setTimeout(() => apply(value), TYPING_MS);
  };
  const take = (completion: Completion): void => {
    const value = text.slice(0, offers.start) + completion.text + text.slice(offers.end);
    const caret = offers.start + completion.text.length;
    type(value);
    close();
    requestAnimationFrame(() => {
      input.current?.setSelectionRange(caret, caret);
      if (input.current !== null && /[:=]$/.test(completion.text)) offer(input.current);
    });
  };
  const clear = (): void => {
    setText('');
    apply('');
    close();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const isOpen = offers.list.length > 0;
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0 && isOpen) {
      setChosen((chosen + step + offers.list.length + 1) % (offers.list.length + 1));
      event.preventDefault();
    } else if (step > 0 && input.current !== null) {
      offer(input.current);
      event.preventDefault();
    } else if (event.key === 'Tab' && isOpen && chosen < 0 && text !== '') {
      const first = offers.list[0];
      if (first !== undefined) take(first);
      event.preventDefault();
    } else if (event.key === 'Enter') {
      const completion = offers.list[chosen];
      if (completion !== undefined) take(completion);
      else {
        apply(text);
        history.add(text);
        close();
      }
      event.preventDefault();
    } else if (event.key === 'Escape' && isOpen) {
      close();
      event.preventDefault();
    }
  };
  const hasProblem = store.query.problem !== null && text === store.query.text;
  return (
    <div class={`filter ${hasProblem ? 'wrong' : ''}`}>
      <span class="faint" aria-hidden="true">
        ⌕
      </span>
      <input
        ref={input}
        id={FILTER_ID}
        class="mono"
        type="text"
        role="combobox"
        aria-label={en.filter.label}
        aria-keyshortcuts="/"
        aria-expanded={offers.list.length > 0}
        aria-controls={LIST_ID}
        aria-autocomplete="list"
        aria-activedescendant={chosen >= 0 && chosen < offers.list.length ? optionId(chosen) : undefined}
        aria-invalid={hasProblem}
        aria-describedby={hasProblem ? 'filter-problem' : undefined}
        placeholder={en.filter.placeholder}
        maxLength={maxLength}
        spellcheck={false}
        autocomplete="off"
        value={text}
        onInput={(event) => {
          type(event.currentTarget.value);
          offer(event.currentTarget);
        }}
        onFocus={(event) => offer(event.currentTarget)}
        onBlur={() => {
          apply(text);
          history.add(text);
          close();
        }}
        onKeyDown={onKeyDown}
      />
      {text !== '' && (
        <button
          type="button"
          class="clear"
          aria-label={en.filter.clear}
          title={en.filter.clear}
          onClick={clear}
        >
          ✕
        </button>
      )}
      {offers.list.length > 0 && <OfferList list={offers.list} chosen={chosen} take={take} />}
      {offers.list.length === 0 && <Problem text={text} />}
    </div>
  );
}
