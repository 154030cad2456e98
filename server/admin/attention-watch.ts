import type { Records } from './collections/records.ts';
import { type Told, ToldKeys } from './collections/told-keys.ts';
import type { KeyRow } from './contract/contract.ts';
import { listKeys } from './keys/list.ts';
import { readAttention } from './keys/overview.ts';

/** An `AttentionKey` is a key whose effect nobody knows. */
export interface AttentionKey {
  /** The id of the record. */
  readonly recordId: string;
  /** The scope of the key. */
  readonly scope: string;
  /** The key, as the client sent it. */
  readonly key: string;
  /** The name of the operation: `chargeCard`, `orders.create`, `POST /payments`. */
  readonly operation: string;
  /** `lapsed` is a run whose process is gone, and that no retry has found yet. */
  readonly state: 'in_doubt' | 'lapsed';
  /** The run began at this time; null where a damaged record does not tell. */
  readonly startedAt: Date | null;
  /** The path of the key's page, from the root of the dashboard's host on. */
  readonly path: string;
}

/** `AttentionNews` tells of keys that need attention, and that nobody was told of yet. */
export interface AttentionNews {
  /** The keys that are new, newest first. There may be more: 20 is the most that are named. */
  readonly keys: readonly AttentionKey[];
  /** So many keys are new, of the newest 200 of each state. */
  readonly fresh: number;
  /** So many keys are in doubt now, up to 1,000. */
  readonly inDoubt: number;
  /** The lease of so many runs has lapsed, up to 1,000. */
  readonly lapsed: number;
}

interface WatchOptions {
  readonly records: Records;
  readonly onAttention: (news: AttentionNews) => unknown;
  readonly pathOf: (recordId: string) => string;
  readonly warn: (error: unknown) => void;
  /** Nothing may be written: what was told is known in this process only. */
  readonly readOnly: boolean;
}

const LOOK_MS = 30_000;
const MOST_LOOKED_AT = 200;
const MOST_NAMED = 20;

/** Looks for keys that need attention, and tells the host of those that are new. */
export class AttentionWatch {
  readonly #options: WatchOptions;
  readonly #told: Pick<ToldKeys, 'read' | 'write'>;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
    this.#told = options.readOnly ? new ToldHere() : new ToldKeys(options.records);
  }

  /** Begins to look. The watch keeps no process alive. */
  start(): void {
    this.#timer ??= setInterval(() => void this.look(), LOOK_MS).unref();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** Looks once. The database may be away, or the host may have closed its client: the next look tries again. */
  look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch(() => {})
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { records, onAttention, warn } = this.#options;
    const [rows, told] = await Promise.all([this.#rows(), this.#told.read()]);
    const known = new Set(told.marks);
    const fresh = rows.filter((row) => !known.has(markOf(row)));
    if (fresh.length === 0) return;
    // First written, then told: another process that looks at this moment tells nobody.
    const current = new Set(rows.map(markOf));
    const marks = [...told.marks.filter((mark) => !current.has(mark)), ...current];
    if (!(await this.#told.write(told, marks))) return;
    const { inDoubt, lapsed } = await readAttention(records, undefined);
    const keys = fresh.slice(0, MOST_NAMED).map((row) => this.#shown(row));
    try {
      await onAttention({ keys, fresh: fresh.length, inDoubt: inDoubt.count, lapsed: lapsed.count });
    } catch (error) {
      warn(error);
      // The next look tells of them again.
      await this.#told.write({ ...told, revision: told.revision + 1 }, told.marks);
    }
  }

  async #rows(): Promise<KeyRow[]> {
    const { records } = this.#options;
    const pages = await Promise.all(
      (['in_doubt', 'lapsed'] as const).map((state) =>
        listKeys(records, { filter: { state }, limit: MOST_LOOKED_AT }),
      ),
    );
    return pages.flatMap(({ rows }) => rows).toSorted((one, other) => (one.id < other.id ? 1 : -1));
  }

  #shown({ id, scope, key, operation, state, startedAt }: KeyRow): AttentionKey {
    return {
      recordId: id,
      scope,
      key,
      operation,
      state: state === 'lapsed' ? 'lapsed' : 'in_doubt',
      startedAt: startedAt === null ? null : new Date(startedAt),
      path: this.#options.pathOf(id),
    };
  }
}

/** A key that lapsed and is then found to be in doubt is one news; one that was retried, and is in doubt again, is another. */
const markOf = ({ id, life, attempts }: KeyRow) => `${id}:${life}:${attempts}`;

class ToldHere {
  #told: Told = { revision: 0, marks: [] };

  async read(): Promise<Told> {
    return this.#told;
  }

  async write({ revision }: Told, marks: readonly string[]): Promise<boolean> {
    this.#told = { revision: revision + 1, marks };
    return true;
  }
}
