import type { Store } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';

export type StoredDocument = Record<string, unknown>;

export async function openStore(): Promise<
  { store: Store; records(): Promise<StoredDocument[]> } & AsyncDisposable
> {
  return { store: createMemoryStore(), records: async () => [], [Symbol.asyncDispose]: async () => {} };
}
