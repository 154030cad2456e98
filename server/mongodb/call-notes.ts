import { hash } from 'node:crypto';
import { idOf } from '../engine/address.ts';
import type { RefusedCalls, StartedCall, SuspectedDuplicate } from '../engine/stats.ts';
import { Collection, type Database, type Document } from './database.ts';
import { within } from './deadline.ts';

/** The collection of what is noted about calls: what its name has after that of the keys, and its indexes. All that is in it expires. */
export const CALLS = {
  suffix: '_calls',
  indexes: [
    { name: 'expiresAt_1', key: { expiresAt: 1 }, expireAfterSeconds: 0 },
    { name: 'scope_1', key: { scope: 1 } },
    { name: 'lastAt_-1', key: { lastAt: -1 }, partialFilterExpression: { suspected: true } },
  ],
} as const;

/** A process notes more only under a load that needs its writes for itself. */
const MOST_NOTES = 1_000;
const REFUSALS_KEPT_MS = 7 * 86_400_000;
/** Two keys for one request are suspected within this time. */
const WINDOW_MS = 10 * 60_000;
const SUSPICIONS_KEPT_MS = 86_400_000;
const MOST_KEYS = 10;

/** Names the note about the refused calls of a key. */
export const refusalsId = (address: { readonly scope: string; readonly key: string }): string =>
  hash('sha256', `refused ${idOf(address)}`, 'base64url');

const requestId = ({ scope, operation, fingerprint }: StartedCall): string =>
  hash('sha256', `alike ${fingerprint} ${idOf({ scope, key: operation })}`, 'base64url');

/** Notes beside the keys which calls were refused, and which requests came under several keys. Notes may be lost, and cost no call a write. */
export class CallNotes {
  readonly #calls: Collection;
  readonly #timeoutMs: number;
  #prepared: Promise<unknown> | undefined;

  constructor(db: Database, collection: string, timeoutMs: number) {
    this.#calls = new Collection(db, `${collection}${CALLS.suffix}`);
    this.#timeoutMs = timeoutMs;
  }

  async addRefused(refused: readonly RefusedCalls[]): Promise<void> {
    if (refused.length === 0) return;
    await this.#prepare();
    await this.#update(refused.slice(0, MOST_NOTES).map(refusedStatement));
  }

  /** Notes calls that began to run, and finds those whose request came under another key shortly before. */
  async addStarted(started: readonly StartedCall[]): Promise<SuspectedDuplicate[]> {
    if (started.length === 0) return [];
    await this.#prepare();
    const { localTime } = await within(this.#timeoutMs, this.#calls.run({ hello: 1 }));
    const now = (localTime as Date).getTime();
    await this.#update(started.map((call) => startedStatement(call, now)));
    const ids = new Map(started.map((call) => [requestId(call), call]));
    const noted = await this.#alike([...ids.keys()]);
    const ours = new Set(started.map((call) => `${requestId(call)} ${call.key}`));
    const found = noted.flatMap((note) =>
      suspicionsIn(note).filter(({ key }) => ours.has(`${note._id} ${key}`)),
    );
    const suspected = noted.filter((note) => suspicionsIn(note).length > 0);
    const expiresAt = new Date(now + SUSPICIONS_KEPT_MS);
    await this.#update(
      suspected.map(({ _id }) => ({ q: { _id }, u: { $set: { suspected: true }, $max: { expiresAt } } })),
    );
    return found;
  }

  async #alike(ids: readonly string[]): Promise<AlikeNote[]> {
    const command = {
      aggregate: this.#calls.name,
      pipeline: [{ $match: { _id: { $in: ids }, 'keys.1': { $exists: true } } }],
      cursor: { batchSize: ids.length },
      maxTimeMS: this.#timeoutMs,
    };
    const { cursor } = await within(this.#timeoutMs, this.#calls.run(command));
    return (cursor as { firstBatch: AlikeNote[] }).firstBatch;
  }

  #prepare(): Promise<unknown> {
    const command = { createIndexes: this.#calls.name, indexes: CALLS.indexes };
    this.#prepared ??= within(this.#timeoutMs, this.#calls.run(command)).catch((error) => {
      // Without its index a note would stay for ever. The next time it is tried again.
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared;
  }

  async #update(updates: Document[]): Promise<void> {
    if (updates.length === 0) return;
    const command = { update: this.#calls.name, updates, ordered: false, maxTimeMS: this.#timeoutMs };
    await within(this.#timeoutMs, this.#calls.run(command));
  }
}

interface AlikeNote {
  readonly _id: string;
  readonly scope: string;
  readonly operation: string;
  readonly keys: readonly { readonly key: string; readonly at: Date }[];
}

function refusedStatement({ scope, key, codes }: RefusedCalls): Document {
  const counts = [...codes].map(([code, { count }]) => [`codes.${code}.count`, count]);
  const times = [...codes].map(([code, { lastAt }]) => [`codes.${code}.lastAt`, lastAt]);
  const lastAt = Math.max(...[...codes.values()].map((refused) => refused.lastAt.getTime()));
  return {
    q: { _id: refusalsId({ scope, key }) },
    u: {
      $inc: Object.fromEntries(counts),
      $max: { ...Object.fromEntries(times), expiresAt: new Date(lastAt + REFUSALS_KEPT_MS) },
      $setOnInsert: { kind: 'refused', scope, key },
    },
    upsert: true,
  };
}

function startedStatement(call: StartedCall, now: number): Document {
  const { scope, operation, key, agoMs } = call;
  const at = new Date(now - agoMs);
  return {
    q: { _id: requestId(call) },
    u: {
      $push: { keys: { $each: [{ key, at }], $slice: -MOST_KEYS } },
      $max: { lastAt: at, expiresAt: new Date(at.getTime() + WINDOW_MS) },
      $setOnInsert: { kind: 'alike', scope, operation },
    },
    upsert: true,
  };
}

/** Lists the keys of a request that came shortly after another key of it. The order is that of the database: each has one place. */
function suspicionsIn({ scope, operation, keys }: AlikeNote): SuspectedDuplicate[] {
  return keys.flatMap(({ key, at }, index) => {
    const before = keys.slice(0, index).findLast((other) => other.key !== key);
    const afterMs = before ? at.getTime() - before.at.getTime() : Number.POSITIVE_INFINITY;
    if (!before || Math.abs(afterMs) > WINDOW_MS) return [];
    return [{ scope, operation, key, otherKey: before.key, afterMs: Math.abs(afterMs) }];
  });
}
