import { vi } from 'vitest';

/** Waits for what a library does in its own time: vitest's second is too short for it while the machine is busy. */
export function until<T>(assertion: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(assertion, { timeout: 30_000 });
}
