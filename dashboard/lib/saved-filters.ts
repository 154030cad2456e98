import { useSyncExternalStore } from 'react';

const NAME = 'latchkey:filters';
const MOST_SAVED = 20;
const listeners = new Set<() => void>();
let saved = read();

/** Reads the filters that this browser's user keeps, each as the search of its list's address. */
export function useSavedFilters(): readonly string[] {
  return useSyncExternalStore(subscribe, () => saved);
}

/** Keeps a filter, or lets go of it. */
export function toggleSavedFilter(params: string): void {
  saved = saved.includes(params)
    ? saved.filter((other) => other !== params)
    : [...saved, params].slice(-MOST_SAVED);
  try {
    localStorage.setItem(NAME, JSON.stringify(saved));
  } catch {
    // The browser refuses to store them, so they last as long as the page.
  }
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void) {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

function read(): readonly string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(NAME) ?? '[]');
    return Array.isArray(stored)
      ? stored.filter((params) => typeof params === 'string').slice(-MOST_SAVED)
      : [];
  } catch {
    return [];
  }
}
