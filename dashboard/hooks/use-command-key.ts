import { useRef } from 'react';
import { randomKey } from '../lib/random-key.ts';

/**
 * Makes the idempotency key of a command. The key stays while the same command is sent again, after a lost answer
 * say, and is new for another one.
 */
export function useCommandKey(): (command: unknown) => string {
  const last = useRef<{ text: string; key: string } | null>(null);
  return (command) => {
    const text = JSON.stringify(command);
    if (last.current?.text !== text) last.current = { text, key: randomKey() };
    return last.current.key;
  };
}
