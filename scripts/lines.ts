import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** `Lines` are what a process prints. */
export class Lines {
  readonly #seen: string[] = [];
  readonly #waiting = new Map<RegExp, (line: string) => void>();
  readonly #ended: Promise<never>;

  constructor(host: ChildProcess) {
    this.#ended = once(host, 'exit').then(([code]) => assert.fail(`the host ended: ${code}`));
    this.#ended.catch(() => {}); // it ends after its check, too
    createInterface(host.stdout as NonNullable<typeof host.stdout>).on('line', (line) => {
      this.#seen.push(line);
      for (const [pattern, found] of this.#waiting) if (pattern.test(line)) found(line);
    });
  }

  /** Waits for the next line that matches. Rejects when the process ends before. */
  async next(pattern: RegExp): Promise<string> {
    const line = new Promise<string>((resolve) => this.#waiting.set(pattern, resolve));
    return await Promise.race([line, this.#ended]).finally(() => this.#waiting.delete(pattern));
  }

  count(text: string): number {
    return this.#seen.filter((line) => line.includes(text)).length;
  }
}
