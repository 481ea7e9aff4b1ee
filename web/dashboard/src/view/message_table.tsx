// The live messages: a window onto the store's view of the log.
import { useCallback, useEffect } from 'preact/hooks';
import type { Row } from '../store/row';
import { rowHeights } from '../store/ui';
import { en } from '../text/en';
import { narrow, useApp, useMedia, useTopics } from './context';
import { commands } from './keyboard';
import { MessageRow, rowDomId } from './message_row';
import { StartHint } from './start_hint';
import { type Anchor, useVirtualRows } from './virtual_rows';

const TWO_LINES = 46;

function HeadRow({ hasPipe }: { hasPipe: boolean }) {
  const { ui } = useApp();
  const { columns } = en.table;
  return (
    <div role="rowgroup" class="thead">
      <div role="row" class="tr" aria-rowindex={1}>
        <span role="columnheader" class="td time">
          <button
            type="button"
            class="column"
            title={en.table.timesHint}
            aria-keyshortcuts="t"
            onClick={() => ui.nextTimes()}
          >
            {en.table.times[ui.times]}
          </button>
        </span>
        <span role="columnheader" class="td arrow">
          <span class="unseen">{columns.direction}</span>
        </span>
        {hasPipe && (
          <span role="columnheader" class="td pipe-name">
            {columns.pipe}
          </span>
        )}
        <span role="columnheader" class="td session">
          {columns.session}
        </span>
        <span role="columnheader" class="td size">
          {columns.size}
        </span>
        <span role="columnheader" class="td words">
          {columns.message}
        </span>
      </div>
    </div>
  );
}

export function MessageTable() {
  const { store, ui } = useApp();
  useTopics(store.messagesTopic, ui.topic);
  const isNarrow = useMedia(narrow);
  const { view } = store;
  const letGo = useCallback(() => ui.setFollowing(false), [ui]);
  const window = useVirtualRows({
    count: view.count,
    rowHeight: isNarrow ? TWO_LINES : rowHeights[ui.density],
    dropped: view.dropped,
    viewKey: String(view.generation),
    isFollowing: ui.isFollowing && !view.isPaused,
    onLetGo: letGo,
    anchor: useAnchor(),
  });
  useTableCommands(window);

  const hasPipe = ui.route.pipe === null;
  const drawn: { row: Row; index: number }[] = [];
  for (let index = window.first; index < window.end; index++) {
    const row = view.at(index);
    if (row !== undefined) drawn.push({ row, index });
  }
  const since = (index: number): Row | undefined =>
    ui.times === 'since' ? (ui.selected ?? view.at(0)) : view.at(index - 1);
  const selectedId = ui.selected?.id ?? -1;
  const isSelectedDrawn = drawn.some(({ row }) => row.id === selectedId);
  const onClick = (event: MouseEvent): void => {
    const element = event.target instanceof Element ? event.target.closest('[data-id]') : null;
    const row = view.at(view.indexOf(Number(element?.getAttribute('data-id') ?? Number.NaN)));
    if (element === null || row === undefined) return;
    ui.setFollowing(false);
    ui.select(row);
    if (isNarrow) ui.setPage('message');
  };

  return (
    <div
      role="grid"
      class={`grid ${hasPipe ? 'with-pipe' : ''}`}
      tabIndex={0}
      aria-label={en.table.label}
      aria-rowcount={view.count + 1}
      aria-activedescendant={isSelectedDrawn ? rowDomId(selectedId) : undefined}
    >
      <HeadRow hasPipe={hasPipe} />
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard selects through commands of the page */}
      <div role="rowgroup" class="tbody scroll" ref={window.scrollRef} onClick={onClick}>
        <div role="presentation" class="tall" style={{ height: `${window.totalHeight}px` }}>
          <div role="presentation" class="drawn" style={{ transform: `translateY(${window.offset}px)` }}>
            {drawn.map(({ row, index }) => (
              <MessageRow
                key={row.id}
                row={row}
                index={index}
                isSelected={row.id === selectedId}
                hasPipe={hasPipe}
                times={ui.times}
                since={since(index)}
              />
            ))}
          </div>
        </div>
        {view.count === 0 && <StartHint />}
      </div>
    </div>
  );
}

/** The selected row where it is seen, else the first that is seen, stays at its height. */
function useAnchor(): Anchor {
  const { store, ui } = useApp();
  const { view } = store;
  return {
    save(top, height, rowHeight) {
      const selectedTop = ui.selected === null ? -1 : view.indexOf(ui.selected.id) * rowHeight;
      const isSelectedSeen = selectedTop >= top && selectedTop < top + height;
      const index = Math.floor((isSelectedSeen ? selectedTop : top) / rowHeight);
      const row = view.at(index);
      if (row !== undefined) ui.anchor = { id: row.id, y: index * rowHeight - top };
    },
    load(rowHeight) {
      return ui.anchor === null ? null : view.indexOf(ui.anchor.id) * rowHeight - ui.anchor.y;
    },
  };
}

/** What the keyboard does here. */
function useTableCommands(window: ReturnType<typeof useVirtualRows>): void {
  const { store, ui } = useApp();
  useEffect(() => {
    const { view } = store;
    const select = (index: number): void => {
      const row = view.at(Math.max(0, Math.min(view.count - 1, index)));
      if (row === undefined) return;
      ui.setFollowing(false);
      ui.select(row);
      window.scrollIntoView(view.indexOf(row.id));
    };
    commands.moveSelection = (step) => {
      if (ui.selected === null) select(view.count - 1);
      else {
        const at = view.indexOf(ui.selected.id);
        const isThere = view.at(at)?.id === ui.selected.id;
        select(isThere || step < 0 ? at + step : at);
      }
    };
    commands.page = (pages) => {
      if (pages < 0) ui.setFollowing(false);
      window.scrollPages(pages);
    };
    commands.toStart = () => {
      ui.setFollowing(false);
      window.scrollIntoView(0);
    };
    return () => {
      commands.moveSelection = null;
      commands.page = null;
      commands.toStart = null;
    };
  });
}
