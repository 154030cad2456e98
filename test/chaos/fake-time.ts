import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Reaper, startReaper } from '../support/reaper.ts';

const LIBRARIES = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map(
  (machine) => `/usr/lib/${machine}/faketime/libfaketimeMT.so.1`,
);

/** A wall clock of a process that can be set while the process runs. Its monotonic clock stays true. */
export interface FakeClock {
  readonly env: Readonly<Record<string, string>>;
  /** The clock is so many ms ahead. */
  readonly aheadMs: number;
  set(aheadMs: number): Promise<void>;
}

/** Sets clocks by libfaketime. Undefined where this machine has none (`apt-get install libfaketime`). */
export class FakeTime implements AsyncDisposable {
  readonly #library: string;
  readonly #folder: string;
  readonly #reaper: Reaper;
  #clocks = 0;

  private constructor(library: string, folder: string) {
    this.#library = library;
    this.#folder = folder;
    this.#reaper = startReaper(folder);
  }

  static async find(): Promise<FakeTime | undefined> {
    const library = LIBRARIES.find((path) => existsSync(path));
    return library === undefined
      ? undefined
      : new FakeTime(library, await mkdtemp(join(tmpdir(), 'latchkey-clocks-')));
  }

  async clock(): Promise<FakeClock> {
    const file = join(this.#folder, `clock-${++this.#clocks}`);
    let aheadMs = 0;
    const set = async (ms: number) => {
      aheadMs = ms;
      await writeFile(file, `${ms < 0 ? '-' : '+'}${Math.abs(ms) / 1_000}\n`);
    };
    await set(0);
    return {
      env: {
        LD_PRELOAD: this.#library,
        FAKETIME_TIMESTAMP_FILE: file,
        FAKETIME_CACHE_DURATION: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        // A wait until a monotonic time is none until a wall time: else a mongod waits in vain.
        FAKETIME_FORCE_MONOTONIC_FIX: '0',
      },
      get aheadMs() {
        return aheadMs;
      },
      set,
    };
  }

  /** Removes the names of what libfaketime shares between a process and its children, which are left behind when it is killed. */
  async forget(pid: number | undefined): Promise<void> {
    for (const name of [`faketime_shm_${pid}`, `sem.faketime_sem_${pid}`])
      await rm(join('/dev/shm', name), { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
    this.#reaper.dismiss();
  }
}
