// What the address bar says: `#pipe=mpv&tab=sessions&session=41&q=seek`. A link reproduces the view. Pure.

const tabs = ['messages', 'sessions', 'overview'] as const;
export type Tab = (typeof tabs)[number];

export interface Route {
  /** null: all pipes. */
  readonly pipe: string | null;
  readonly tab: Tab;
  /** Only messages of this session; null: of all. */
  readonly session: number | null;
  /** The filter, as it was typed. */
  readonly query: string;
}

export function parseRoute(hash: string): Route {
  const values = new URLSearchParams(hash.replace(/^#/, ''));
  const pipe = values.get('pipe') || null;
  const session = Number(values.get('session'));
  return {
    pipe,
    tab: tabs.find((tab) => tab === values.get('tab')) ?? 'messages',
    session: pipe !== null && Number.isSafeInteger(session) && session > 0 ? session : null,
    query: values.get('q') ?? '',
  };
}

export function formatRoute(route: Route): string {
  const values = new URLSearchParams();
  if (route.pipe !== null) values.set('pipe', route.pipe);
  if (route.tab !== 'messages') values.set('tab', route.tab);
  if (route.session !== null) values.set('session', String(route.session));
  if (route.query !== '') values.set('q', route.query);
  return `#${values.toString()}`;
}
