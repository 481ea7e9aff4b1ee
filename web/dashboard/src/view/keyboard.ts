// One keyboard for the page. Views put what they can do into `commands`; keys that belong to a field that is
// being typed into, or to a button, stay theirs.
import type { Store } from '../store/store';
import type { Ui } from '../store/ui';
import { FILTER_ID } from './filter_box';
import { focusComposer } from './focus_composer';

export const commands: {
  moveSelection: ((step: number) => void) | null;
  page: ((pages: number) => void) | null;
  toStart: (() => void) | null;
} = { moveSelection: null, page: null, toStart: null };

const typing = 'input, textarea, select, [contenteditable]';
const pressable = 'button, a, summary, [role=tab]';

function run(event: KeyboardEvent, target: Element | null, store: Store, ui: Ui): boolean {
  switch (event.key) {
    case 'j':
    case 'ArrowDown':
      commands.moveSelection?.(1);
      return commands.moveSelection !== null;
    case 'k':
    case 'ArrowUp':
      commands.moveSelection?.(-1);
      return commands.moveSelection !== null;
    case 'PageDown':
    case 'PageUp':
      commands.page?.(event.key === 'PageDown' ? 1 : -1);
      return commands.page !== null;
    case 'Home':
      commands.toStart?.();
      return commands.toStart !== null;
    case ' ':
      if (target?.closest(pressable)) return false;
      store.setPaused(!store.view.isPaused);
      return true;
    case 'f':
    case 'End':
      store.setPaused(false);
      ui.setFollowing(true);
      return true;
    case '?':
      ui.setDialog('help');
      return true;
    case 'c':
      ui.setComposerOpen(true);
      ui.setPage('send');
      focusComposer();
      return true;
    case 'd':
      ui.nextDensity();
      return true;
    case 't':
      ui.nextTimes();
      return true;
    case '/':
      document.getElementById(FILTER_ID)?.focus();
      return true;
    case 'Escape':
      if (ui.selected === null) return false;
      ui.select(null);
      ui.setPage('list');
      return true;
    default:
      return false;
  }
}

export function listenToKeyboard(store: Store, ui: Ui): void {
  document.addEventListener('keydown', (event) => {
    if (event.key === 'k' && (event.ctrlKey || event.metaKey) && !event.altKey) {
      event.preventDefault();
      if (document.querySelector('dialog[open]') === null) ui.setDialog('palette');
      return;
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (document.querySelector('dialog[open]') !== null) return;
    const target = event.target instanceof Element ? event.target : null;
    if (target?.closest(typing)) {
      if (event.key === 'Escape' && target instanceof HTMLElement) target.blur();
      return;
    }
    if (target?.closest('[role=tablist], .detail-body') && event.key.startsWith('Arrow')) return;
    if (run(event, target, store, ui)) event.preventDefault();
  });
}
