// The bar at the bottom of a small screen: which of the four pages is seen.
import type { Page } from '../store/ui';
import { en } from '../text/en';
import { useApp, useTopics } from './context';

const pages: readonly { readonly page: Page; readonly glyph: string }[] = [
  { page: 'pipes', glyph: '☰' },
  { page: 'list', glyph: '⇄' },
  { page: 'message', glyph: '❝' },
  { page: 'send', glyph: '⇥' },
];

export function PageBar() {
  const { ui } = useApp();
  useTopics(ui.topic);
  return (
    <nav class="pages" aria-label={en.pages.label}>
      {pages.map(({ page, glyph }) => (
        <button
          key={page}
          type="button"
          aria-current={ui.page === page ? 'page' : undefined}
          onClick={() => ui.setPage(page)}
        >
          <span aria-hidden="true">{glyph}</span>
          {en.pages[page]}
        </button>
      ))}
    </nav>
  );
}
