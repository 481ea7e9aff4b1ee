// A button that copies, and says that it did.
import { useEffect, useState } from 'preact/hooks';

interface Props {
  readonly label: string;
  readonly done: string;
  readonly failed: string;
  readonly class?: string;
  readonly text: () => string;
}

export async function copyToClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** Where the clipboard is closed to pages (plain http from another machine), the old way may still work. */
function copyBySelection(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'offscreen';
  document.body.append(area);
  area.select();
  try {
    return document.execCommand('copy');
  } finally {
    area.remove();
  }
}

export function CopyButton({ label, done, failed, text, class: extra = 'quiet' }: Props) {
  const [answer, setAnswer] = useState<string | null>(null);
  useEffect(() => {
    if (answer === null) return undefined;
    const id = setTimeout(() => setAnswer(null), 1500);
    return () => clearTimeout(id);
  }, [answer]);
  const onClick = async (): Promise<void> => setAnswer((await copyToClipboard(text())) ? done : failed);
  return (
    <button type="button" class={`btn ${extra}`} onClick={() => void onClick()}>
      <span aria-live="polite">{answer ?? label}</span>
    </button>
  );
}
