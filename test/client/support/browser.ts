import { expect } from 'vitest';
import type { Locks, Page, StorageArea } from '../../../plugin/client/page.ts';
import { until } from '../../support/until.ts';

type Listener = Parameters<Page['addEventListener']>[1];

/** As much of a browser as two tabs need to get in each other's way: storage, locks, and pages that come and go. */
export class FakeBrowser {
  readonly shared = new MemoryStorage();
  /** By name: who has the lock, and who waits for it, in order. */
  readonly lockQueues = new Map<string, LockRequest[]>();
  granting = 0;

  /** Until no lock is about to be granted. */
  async quiet(): Promise<void> {
    await new Promise(setImmediate);
    await until(() => expect(this.granting).toBe(0));
    await new Promise(setImmediate);
  }

  /** A new tab, with storage of its own. */
  open(options: { secure?: boolean } = {}): FakePage {
    return new FakePage(this, new MemoryStorage(), options.secure ?? true);
  }
}

export class FakePage implements Page {
  readonly session: MemoryStorage;
  readonly shared: StorageArea;
  readonly locks: Locks | undefined;
  readonly #browser: FakeBrowser;
  readonly #listeners: [type: string, listener: Listener][] = [];

  constructor(browser: FakeBrowser, session: MemoryStorage, secure: boolean) {
    this.#browser = browser;
    this.session = session;
    this.shared = browser.shared;
    this.locks = secure ? new FakeLocks(browser, this) : undefined;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.push([type, listener]);
  }

  /** The page goes in order; the same tab gets a new one. */
  reload(): FakePage {
    this.emit('pagehide', { persisted: false });
    return this.crash();
  }

  /** The page is gone, and told nothing; the same tab gets a new one. */
  crash(): FakePage {
    const next = new FakePage(this.#browser, this.session, this.locks !== undefined);
    this.close();
    return next;
  }

  /** The browser drops the page, and with it its locks. */
  close(): void {
    for (const queue of this.#browser.lockQueues.values()) {
      for (const request of queue.filter(({ page }) => page === this)) leave(queue, request);
    }
  }

  /** Another tab, with a copy of this one's storage. */
  duplicate(): FakePage {
    return new FakePage(this.#browser, new MemoryStorage(this.session), this.locks !== undefined);
  }

  emit(type: 'pagehide' | 'pageshow', event: { persisted: boolean }): void {
    for (const [of, listener] of this.#listeners) if (of === type) listener(event);
  }
}

export class MemoryStorage implements StorageArea {
  readonly #items: Map<string, string>;

  constructor(copied?: MemoryStorage) {
    this.#items = new Map(copied ? copied.#items : []);
  }

  getItem(name: string): string | null {
    return this.#items.get(name) ?? null;
  }

  setItem(name: string, value: string): void {
    this.#items.set(name, value);
  }

  removeItem(name: string): void {
    this.#items.delete(name);
  }

  /** All of it, as one text. */
  text(): string {
    return JSON.stringify([...this.#items]);
  }
}

interface LockRequest {
  readonly page: FakePage;
  grant(): void;
}

/** Exclusive locks of the Web Locks API, first come, first served. */
class FakeLocks implements Locks {
  readonly #browser: FakeBrowser;
  readonly #page: FakePage;

  constructor(browser: FakeBrowser, page: FakePage) {
    this.#browser = browser;
    this.#page = page;
  }

  request(name: string, { signal }: { signal?: AbortSignal }, callback: () => Promise<void>): Promise<void> {
    const queue = this.#browser.lockQueues.get(name) ?? [];
    this.#browser.lockQueues.set(name, queue);
    return new Promise((resolve, reject) => {
      let granted = false;
      const request: LockRequest = {
        page: this.#page,
        grant: () => {
          granted = true;
          this.#browser.granting++;
          // A free lock is not granted at once either: the pages of a browser are processes of their own.
          setTimeout(() => {
            this.#browser.granting--;
            callback()
              .then(resolve, reject)
              .finally(() => leave(queue, request));
          });
        },
      };
      signal?.addEventListener('abort', () => {
        if (granted) return;
        leave(queue, request);
        reject(signal.reason);
      });
      if (queue.push(request) === 1) request.grant();
    });
  }
}

function leave(queue: LockRequest[], request: LockRequest): void {
  const at = queue.indexOf(request);
  if (at === -1) return;
  queue.splice(at, 1);
  if (at === 0) queue[0]?.grant();
}
