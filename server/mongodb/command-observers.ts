import type { CommandListener, StoreCommand } from '../engine/store-command.ts';

type Ended = (failure?: StoreCommand['failure']) => void;

/** `CommandObservers` tells listeners of the commands of a store. While there are none, nothing is measured. */
export class CommandObservers {
  readonly #listeners = new Set<CommandListener>();

  add(listener: CommandListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /**
   * Notes that a command is sent. The function that it returns is called when that has ended; only the first call counts.
   * @param describe is asked only where somebody listens
   */
  sent(describe: () => Pick<StoreCommand, 'command' | 'size' | 'again'>): Ended | undefined {
    if (this.#listeners.size === 0) return undefined;
    const described = describe();
    const sentAt = performance.now();
    let hasEnded = false;
    return (failure) => {
      if (hasEnded) return;
      hasEnded = true;
      const durationMs = performance.now() - sentAt;
      for (const listener of this.#listeners)
        listener({ ...described, durationMs, ...(failure && { failure }) });
    };
  }
}
