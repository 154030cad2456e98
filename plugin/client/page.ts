/** `Page` is what we need of a browser's page, typed by shape, so that this package's declarations ask for no DOM. */
export interface Page {
  /** The storage of this tab. A browser copies it into a tab that is opened from this one. */
  readonly session: StorageArea;
  /** The storage that all tabs share. */
  readonly shared: StorageArea | undefined;
  /** The locks that all tabs share; undefined in insecure contexts. */
  readonly locks: Locks | undefined;
  addEventListener(type: 'pagehide' | 'pageshow', listener: (event: { persisted?: boolean }) => void): void;
}

export interface StorageArea {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
  removeItem(name: string): void;
}

/** `navigator.locks`: a lock is held until the callback's promise settles or its page is gone, however it went. */
export interface Locks {
  request(name: string, options: { signal?: AbortSignal }, callback: () => Promise<void>): Promise<void>;
}

interface Browser extends Partial<Pick<Page, 'addEventListener'>> {
  readonly sessionStorage?: StorageArea;
  readonly localStorage?: StorageArea;
  readonly navigator?: { readonly locks?: Locks | null };
}

/** Finds the page; undefined on a server, and where the user blocks storage: keys then live in memory only. */
export function currentPage(): Page | undefined {
  const browser = globalThis as object as Browser;
  const session = readable(() => browser.sessionStorage);
  if (!session || !browser.addEventListener) return undefined;
  return {
    session,
    shared: readable(() => browser.localStorage),
    locks: browser.navigator?.locks ?? undefined,
    addEventListener: (type, listener) => browser.addEventListener?.(type, listener),
  };
}

/** The very access to a storage throws where it is blocked. */
function readable(area: () => StorageArea | undefined): StorageArea | undefined {
  try {
    return area();
  } catch {
    return undefined;
  }
}
