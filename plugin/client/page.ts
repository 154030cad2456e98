/** What is needed of a browser's page, by shape: this package's declarations then ask for no DOM. */
export interface Page {
  /** Of this tab, and copied into a tab that is opened from it. */
  readonly session: StorageArea;
  /** Of all tabs. */
  readonly shared: StorageArea | undefined;
  /** Undefined in insecure contexts. */
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

/** Undefined on a server, and where the user blocks storage: keys then live in memory only. */
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
