import { of } from './answer.ts';
import type { Page } from './page.ts';
import { type Owner, TabLock } from './tab-lock.ts';

/** A `StoredKey` is the key of an operation that survives a reload. */
export interface StoredKey {
  readonly key: string;
  /** A hash of its input; '' for an input that is not known. */
  readonly print: string;
  /** True while the outcome of the operation is not known. */
  readonly open: boolean;
}

const FINISHED = 'latchkey:finished';
const FINISHED_KEPT = 50;

/**
 * Keeps one operation in a tab's own storage, and knows whether it is really this tab's: a browser copies that storage
 * into a tab that is duplicated or opened from this one.
 *
 * The page holds a lock in the key's name for as long as it lives. Who finds a key in storage takes it over only with that
 * lock, so never while another page has it. Keys that are done with are listed for all tabs, since a copy of such a key
 * may have been made before.
 *
 * Without locks (insecure contexts) a page marks the operation that it keeps when the user leaves it. An operation without a mark
 * was copied from another tab, or left by a crash. Nobody knows then whether it is this tab's, so its input counts as unknown:
 * any call asks the user first.
 */
export class TabSlot {
  readonly #page: Page;
  readonly #name: string;
  readonly #lock: TabLock | undefined;
  #key: string | undefined;
  /** The operation that storage did not take, kept in memory. */
  #unsaved: Found | undefined;

  /** @param onReturn called when a page that was left comes back as it was: what it holds may have changed hands */
  constructor(page: Page, name: string, onReturn: () => void) {
    this.#page = page;
    this.#name = `latchkey:${name}`;
    this.#lock = page.locks && new TabLock(page.locks);
    page.addEventListener('pagehide', () => this.#leave());
    page.addEventListener('pageshow', ({ persisted }) => persisted && onReturn());
  }

  /** Reads the operation that this tab had under way; undefined when there is none, or it is another tab's. */
  async read(): Promise<StoredKey | undefined> {
    const found = this.#load();
    if (!found) return undefined;
    const { key } = found;
    this.#key = key;
    const owner = await this.#ownerOf(found);
    const stored = this.#load();
    if (stored?.key !== key) return undefined; // written since
    if (owner === 'unknown') {
      this.#key = undefined; // nor is it this tab's to finish
      return { key, print: '', open: true };
    }
    if (owner === 'this' && !this.#finished().includes(key)) {
      const { print, open } = stored;
      this.#save({ key, print, open });
      return { key, print, open };
    }
    this.#key = undefined;
    this.#lock?.drop();
    this.#clear();
    return undefined;
  }

  /** Keeps this operation, or none; one that was kept before is done with. */
  write(stored: StoredKey | undefined): void {
    if (this.#key !== stored?.key) {
      if (this.#key !== undefined) this.#finish(this.#key);
      this.#key = stored?.key;
      if (stored) void this.#lock?.take(stored.key);
      else this.#lock?.drop();
    }
    if (stored) this.#save(stored);
    else this.#clear();
  }

  async #ownerOf({ key, left }: Found): Promise<Owner> {
    if (this.#lock) return this.#lock.take(key);
    return left ? 'this' : 'unknown';
  }

  #leave(): void {
    this.#lock?.leave();
    const found = this.#lock || this.#key === undefined ? undefined : this.#load();
    if (found) this.#save({ ...found, left: true });
  }

  #finish(key: string): void {
    const keys = [...this.#finished(), key].slice(-FINISHED_KEPT);
    this.#quietly(() => this.#page.shared?.setItem(FINISHED, JSON.stringify(keys)));
  }

  #finished(): readonly string[] {
    const keys = this.#quietly(() => JSON.parse(this.#page.shared?.getItem(FINISHED) ?? '[]'));
    return Array.isArray(keys) ? keys : [];
  }

  #load(): Found | undefined {
    const found = this.#quietly(() => JSON.parse(this.#page.session.getItem(this.#name) ?? 'null'));
    return typeof of(found, 'key') === 'string' ? (found as Found) : this.#unsaved;
  }

  #save(stored: Found): void {
    this.#clear(); // an old operation must not stay where there is no room for the new one
    this.#unsaved = stored;
    this.#quietly(() => {
      this.#page.session.setItem(this.#name, JSON.stringify(stored));
      this.#unsaved = undefined;
    });
  }

  #clear(): void {
    this.#unsaved = undefined;
    this.#quietly(() => this.#page.session.removeItem(this.#name));
  }

  /** A storage that is full or blocked, or that somebody else wrote to, costs the reload, never the call. */
  #quietly<T>(access: () => T): T | undefined {
    try {
      return access();
    } catch {
      return undefined;
    }
  }
}

/** An operation as it was found in storage. `left` marks that its page was closed or reloaded in order. */
interface Found extends StoredKey {
  readonly left?: true;
}
