import { setImmediate as turn } from 'node:timers/promises';

/** A `Versioned` is a value with the version by which it can be replaced. */
export interface Versioned {
  readonly value: Uint8Array;
  readonly version: number;
}

/** A `KeyValue` is what a server of keys and values can do that has a compare-and-set, as Redis, etcd, Consul and DynamoDB have. */
export interface KeyValue {
  get(key: string): Promise<Versioned | undefined>;
  /** Writes the value if the key has this version still; 0 for a key that is not there. Tells whether it did. */
  replace(key: string, version: number, value: Uint8Array): Promise<boolean>;
}

/** Makes such a server in this process. Its answers come later, so that writers meet. */
export function createKeyValue(): KeyValue {
  const values = new Map<string, Versioned>();
  return {
    async get(key) {
      await turn();
      return values.get(key);
    },
    async replace(key, version, value) {
      await turn();
      if ((values.get(key)?.version ?? 0) !== version) return false;
      values.set(key, { value, version: version + 1 });
      return true;
    },
  };
}
