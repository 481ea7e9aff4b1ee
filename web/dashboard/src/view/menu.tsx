// A button with a list below it: closes by Escape, by a choice, and when the focus goes elsewhere.
import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';

interface Props {
  readonly label: ComponentChildren;
  readonly title?: string;
  /** Opens upwards: at the lower edge of the page. */
  readonly isUp?: boolean;
  readonly children: (close: () => void) => ComponentChildren;
}

export function Menu({ label, title, isUp = false, children }: Props) {
  const menu = useRef<HTMLDetailsElement>(null);
  const close = (): void => {
    if (menu.current === null) return;
    menu.current.open = false;
    menu.current.querySelector('summary')?.focus();
  };
  return (
    <details
      class={`menu ${isUp ? 'up' : ''}`}
      ref={menu}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || menu.current?.open !== true) return;
        close();
        event.stopPropagation();
      }}
      onFocusOut={(event) => {
        const next = event.relatedTarget;
        const isInside = next instanceof Node && menu.current?.contains(next) === true;
        if (menu.current !== null && !isInside) menu.current.open = false;
      }}
    >
      <summary class="btn quiet" title={title}>
        {label}
      </summary>
      <div class="menu-list">{children(close)}</div>
    </details>
  );
}
