import { useSyncExternalStore } from 'react';

/** Keeps a choice of this browser's user. Where storage is refused, it is kept in memory alone. */
export function localSetting<T extends string>(name: string, values: readonly [T, ...T[]]) {
  const listeners = new Set<() => void>();
  let current = read();

  function read(): T {
    try {
      const stored = localStorage.getItem(`latchkey:${name}`);
      return values.find((value) => value === stored) ?? values[0];
    } catch {
      return values[0];
    }
  }

  function set(value: T) {
    current = value;
    try {
      localStorage.setItem(`latchkey:${name}`, value);
    } catch {
      // The browser refuses to store the choice, so it lasts as long as the page.
    }
    for (const listener of listeners) listener();
  }

  function subscribe(listener: () => void) {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  return { get: () => current, set, use: () => useSyncExternalStore(subscribe, () => current) };
}
