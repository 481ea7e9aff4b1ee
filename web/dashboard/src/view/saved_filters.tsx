// Filters that are kept under a name: in the rail, below the pipes.
import { useState } from 'preact/hooks';
import { en } from '../text/en';
import { useApp, useTopics } from './context';

const KEY = 'savedFilters';
const MAX_SAVED = 50;

interface Saved {
  readonly name: string;
  readonly query: string;
}

/** One line of the browser's memory each: the name, a tab, the filter. */
function read(lines: readonly string[]): Saved[] {
  return lines.flatMap((line) => {
    const tab = line.indexOf('\t');
    return tab < 1 ? [] : [{ name: line.slice(0, tab), query: line.slice(tab + 1) }];
  });
}

export function SavedFilters() {
  const { store, ui } = useApp();
  useTopics(ui.topic, store.messagesTopic);
  const [name, setName] = useState('');
  const saved = read(ui.recall(KEY));
  const { query } = ui.route;
  const keep = (list: readonly Saved[]): void => {
    ui.remember(
      KEY,
      list.slice(0, MAX_SAVED).map((each) => `${each.name}\t${each.query}`),
    );
    ui.topic.changed();
  };
  const isNew =
    query.trim() !== '' && store.query.problem === null && !saved.some((each) => each.query === query);
  if (saved.length === 0 && !isNew) return null;
  const add = (event: Event): void => {
    event.preventDefault();
    const clean = name.replace(/\s+/g, ' ').trim() || query;
    keep([...saved.filter((each) => each.name !== clean), { name: clean, query }]);
    setName('');
  };
  return (
    <section class="saved" aria-labelledby="saved-title">
      <h2 id="saved-title">{en.saved.title}</h2>
      <ul>
        {saved.map((each) => (
          <li key={each.name} class="menu-row">
            <button
              type="button"
              class="pipe"
              title={each.query}
              aria-current={each.query === query ? 'true' : undefined}
              onClick={() => {
                ui.go({ query: each.query === query ? '' : each.query, tab: 'messages' });
                ui.setPage('list');
              }}
            >
              <span class="faint" aria-hidden="true">
                ⌕
              </span>
              <span class="name">{each.name}</span>
            </button>
            <button
              type="button"
              class="btn quiet"
              aria-label={en.saved.remove(each.name)}
              title={en.saved.remove(each.name)}
              onClick={() => keep(saved.filter((other) => other.name !== each.name))}
            >
              ✕
            </button>
          </li>
        ))}
      </ul>
      {isNew && (
        <form class="menu-row" onSubmit={add}>
          <input
            type="text"
            class="field grow"
            maxLength={60}
            aria-label={en.saved.name}
            placeholder={en.saved.name}
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
          />
          <button type="submit" class="btn">
            {en.saved.keep}
          </button>
        </form>
      )}
    </section>
  );
}
