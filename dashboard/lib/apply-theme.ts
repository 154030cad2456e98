import { theme } from './settings.ts';

const DARK = matchMedia('(prefers-color-scheme: dark)');

export function isDark(): boolean {
  return theme.get() === 'system' ? DARK.matches : theme.get() === 'dark';
}

export function setTheme(choice: ReturnType<typeof theme.get>): void {
  theme.set(choice);
  apply();
}

function apply() {
  if (theme.get() === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.get();
}

apply();
