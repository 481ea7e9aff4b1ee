// Asks before something that cannot be taken back. The browser's own modal dialog: focus stays inside, Esc
// says no.
import { useEffect, useRef } from 'preact/hooks';

interface Props {
  readonly title: string;
  readonly body: string;
  /** What went wrong when it was tried; '' at first. */
  readonly problem: string;
  readonly yes: string;
  readonly no: string;
  readonly onYes: () => void;
  readonly onNo: () => void;
}

export function ConfirmDialog({ title, body, problem, yes, no, onYes, onNo }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const former = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (former instanceof HTMLElement) former.focus();
    };
  }, []);
  return (
    <dialog ref={dialog} aria-labelledby="confirm-title" aria-describedby="confirm-body" onClose={onNo}>
      <h2 id="confirm-title">{title}</h2>
      <p id="confirm-body">{body}</p>
      {problem !== '' && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
      <div class="dialog-buttons">
        <button type="button" class="btn" onClick={onNo}>
          {no}
        </button>
        <button type="button" class="btn danger-solid" onClick={onYes}>
          {yes}
        </button>
      </div>
    </dialog>
  );
}
