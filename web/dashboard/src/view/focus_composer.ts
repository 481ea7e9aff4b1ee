// The box to send from, for whoever puts something into it.
export const COMPOSER_ID = 'composer-body';

export function focusComposer(): void {
  requestAnimationFrame(() => document.getElementById(COMPOSER_ID)?.focus());
}
