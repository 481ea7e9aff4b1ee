// Jump to a pipe or a session, or do something, by its name: Ctrl K.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type Choice, choose } from '../store/palette';
import { en } from '../text/en';
import { useApp, useTopics } from './context';
import { FILTER_ID } from './filter_box';
import { focusComposer } from './focus_composer';

/** More sessions than that are found by their number, in the Sessions tab. */
const MAX_SESSIONS = 500;
const optionId = (index: number): string => `palette-${index}`;

function useChoices(): Choice[] {
  const { store, ui } = useApp();
  const { palette } = en;
  const go = (pipe: string | null) => () => {
    ui.go({ pipe, session: null });
    ui.setPage('list');
  };
  const places: Choice[] = [
    { id: 'all', name: en.allPipes, hint: palette.place, run: go(null) },
    ...store.pipes.map(({ info }) => ({
      id: `pipe ${info.name}`,
      name: info.name,
      hint: palette.pipe,
      run: go(info.name),
    })),
    ...(['messages', 'sessions', 'overview'] as const).map((tab) => ({
      id: tab,
      name: en.main.tabs[tab],
      hint: palette.place,
      run: () => ui.go({ tab }),
    })),
    ...[...store.sessions.open.values()].slice(-MAX_SESSIONS).map(({ info }) => ({
      id: `session ${info.id}`,
      name: `#${info.id} ${info.peer.name}`,
      hint: palette.session(info.pipe),
      run: () => ui.go({ pipe: info.pipe, session: info.id, tab: 'messages' }),
    })),
  ];
  const deeds: Choice[] = [
    {
      id: 'filter',
      name: palette.filter,
      hint: '/',
      run: () => requestAnimationFrame(() => document.getElementById(FILTER_ID)?.focus()),
    },
    {
      id: 'pause',
      name: store.view.isPaused ? en.main.resume : en.main.pause,
      hint: palette.space,
      run: () => store.setPaused(!store.view.isPaused),
    },
    {
      id: 'follow',
      name: en.main.follow,
      hint: 'f',
      run: () => {
        store.setPaused(false);
        ui.setFollowing(true);
      },
    },
    {
      id: 'send',
      name: palette.send,
      hint: 'c',
      run: () => {
        ui.setComposerOpen(true);
        ui.setPage('send');
        focusComposer();
      },
    },
    { id: 'times', name: palette.times, hint: 't', run: () => ui.nextTimes() },
    { id: 'density', name: palette.density, hint: 'd', run: () => ui.nextDensity() },
    { id: 'theme', name: palette.theme, hint: '', run: () => ui.nextTheme() },
    { id: 'help', name: palette.help, hint: '?', run: () => ui.setDialog('help') },
  ];
  return [...places, ...deeds];
}

export function Palette() {
  const { store, ui } = useApp();
  useTopics(store.pipesTopic);
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState(0);
  const all = useChoices();
  const list = useMemo(() => choose(all, text), [all, text]);
  const at = Math.min(chosen, list.length - 1);
  useEffect(() => dialog.current?.showModal(), []);
  useEffect(() => document.getElementById(optionId(at))?.scrollIntoView({ block: 'nearest' }), [at]);
  const run = (choice: Choice | undefined): void => {
    ui.setDialog(null);
    choice?.run();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown') setChosen((at + 1) % Math.max(1, list.length));
    else if (event.key === 'ArrowUp') setChosen((at - 1 + list.length) % Math.max(1, list.length));
    else if (event.key === 'Enter') run(list[at]);
    else return;
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does the same
    <dialog
      ref={dialog}
      class="palette"
      aria-label={en.palette.label}
      onClose={() => ui.setDialog(null)}
      onClick={(event) => event.target === dialog.current && ui.setDialog(null)}
    >
      <input
        class="palette-input"
        type="text"
        role="combobox"
        aria-label={en.palette.label}
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={list.length > 0 ? optionId(at) : undefined}
        placeholder={en.palette.placeholder}
        spellcheck={false}
        autocomplete="off"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setChosen(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div class="palette-list" id="palette-list" role="listbox" aria-label={en.palette.label}>
        {list.map((choice, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the input
          <div
            key={choice.id}
            id={optionId(index)}
            role="option"
            aria-selected={index === at}
            onClick={() => run(choice)}
          >
            {choice.name} <span class="faint">{choice.hint}</span>
          </div>
        ))}
      </div>
      {list.length === 0 && <p class="note">{en.palette.nothing}</p>}
    </dialog>
  );
}
