// "Copy": the payload as it is shown, or as a shell, a program or a ticket wants it.
import { useEffect, useState } from 'preact/hooks';
import { messagesPath, type Target } from '../connection/api';
import { copyAs, copyForms } from '../payload/copy';
import type { Payload, PayloadMode } from '../payload/formats';
import type { PayloadEvent } from '../protocol/event';
import { en } from '../text/en';
import { useApp } from './context';
import { copyToClipboard } from './copy_button';
import { Menu } from './menu';
import { shownText } from './payload_view';

/** Where a line sends the same bytes: to the same session while it is open, else to the pipe. */
function urlOf(event: PayloadEvent, isOpen: boolean, isTap: boolean): string {
  const target: Target = isOpen ? { session: event.session } : { pipe: event.pipe };
  return `${location.origin}${messagesPath(target, isTap ? event.direction : null)}`;
}

interface Props {
  readonly event: PayloadEvent;
  readonly payload: Payload;
  readonly mode: PayloadMode;
}

export function CopyMenu({ event, payload, mode }: Props) {
  const { store } = useApp();
  const [answer, setAnswer] = useState<string | null>(null);
  useEffect(() => {
    if (answer === null) return undefined;
    const id = setTimeout(() => setAnswer(null), 1500);
    return () => clearTimeout(id);
  }, [answer]);
  const copy = async (text: string, close: () => void): Promise<void> => {
    setAnswer((await copyToClipboard(text)) ? en.detail.copied : en.detail.copyFailed);
    close();
  };
  const url = urlOf(
    event,
    store.sessions.open.has(event.session),
    store.pipe(event.pipe)?.info.role === 'tap',
  );
  return (
    <Menu label={<span aria-live="polite">{answer ?? `${en.detail.copy} ▾`}</span>}>
      {(close) => (
        <>
          <button
            type="button"
            class="btn quiet"
            onClick={() => void copy(shownText(payload, mode), close)}
          >
            {en.detail.copyShown}
          </button>
          {copyForms.map((form) => (
            <button
              key={form}
              type="button"
              class="btn quiet"
              onClick={() => void copy(copyAs(form, payload.bytes, payload.text, url), close)}
            >
              {en.detail.copyForms[form]}
            </button>
          ))}
        </>
      )}
    </Menu>
  );
}
