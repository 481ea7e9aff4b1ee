// What the keyboard does.
import { useEffect, useRef } from 'preact/hooks';
import { en } from '../text/en';
import { useApp } from './context';

export function Help() {
  const { ui } = useApp();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="help-title" onClose={() => ui.setDialog(null)}>
      <h2 id="help-title">{en.help.title}</h2>
      <dl>
        {en.help.keys.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <div class="dialog-buttons">
        <button type="button" class="btn" onClick={() => ui.setDialog(null)}>
          {en.help.close}
        </button>
      </div>
    </dialog>
  );
}
