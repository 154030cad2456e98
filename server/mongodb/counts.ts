import { type Span, type StatsDelta, spansOf } from '../engine/stats.ts';
import { Collection, type Database, type Document, SIMPLE } from './database.ts';
import { within } from './deadline.ts';

/** A process counts more keys than that in some seconds only under a load that needs its writes for itself. */
const MOST_RECORDS = 1_000;

/** The collection of the counts: what its name has after that of the keys, and its indexes. */
export const STATS = {
  suffix: '_stats',
  indexes: [
    { name: 'expiresAt_1', key: { expiresAt: 1 }, expireAfterSeconds: 0 },
    { name: 'widthMs_1_from_1', key: { widthMs: 1, from: 1 } },
  ],
} as const;

/** Counts over time, in a collection next to the keys: one document for each span, operation and width, made as it is needed. */
export class Counts {
  readonly #keys: Collection;
  readonly #stats: Collection;
  readonly #timeoutMs: number;
  #prepared: Promise<unknown> | undefined;

  constructor(db: Database, collection: string, timeoutMs: number) {
    this.#keys = new Collection(db, collection);
    this.#stats = new Collection(db, `${collection}${STATS.suffix}`);
    this.#timeoutMs = timeoutMs;
  }

  async add({ counted, replayed }: StatsDelta): Promise<void> {
    await this.#prepare();
    // By the server's clock, like the times of the records.
    const { localTime } = await within(this.#timeoutMs, this.#stats.run({ hello: 1 }));
    const spans = spansOf(counted, (localTime as Date).getTime());
    await this.#update(this.#stats, spans.map(spanStatement));
    await this.#update(this.#keys, replayed.slice(0, MOST_RECORDS).map(replayStatement));
  }

  #prepare(): Promise<unknown> {
    const command = { createIndexes: this.#stats.name, indexes: STATS.indexes };
    this.#prepared ??= within(this.#timeoutMs, this.#stats.run(command)).catch(() => {
      // No answer, or a user that may make none: the counts then stay for ever. The next time it is tried again.
      this.#prepared = undefined;
    });
    return this.#prepared;
  }

  async #update(collection: Collection, updates: Document[]): Promise<void> {
    if (updates.length === 0) return;
    const command = { update: collection.name, updates, ordered: false, maxTimeMS: this.#timeoutMs };
    await within(this.#timeoutMs, collection.run(command));
  }
}

/** Adds counts to a span, by $inc and an upsert on `_id`: so any number of processes may do it, in any order. */
function spanStatement({
  widthMs,
  keptMs,
  from,
  operation,
  counts: { durations, ...counts },
}: Span): Document {
  const steps = [...durations].map(([step, count]) => [`durations.${step}`, count]);
  return {
    q: { _id: `${widthMs}:${from}:${operation}` },
    u: {
      $inc: { ...counts, ...Object.fromEntries(steps) },
      $setOnInsert: { widthMs, operation, from: new Date(from), expiresAt: new Date(from + keptMs) },
    },
    upsert: true,
  };
}

function replayStatement({ scope, key, replays, lastAt }: StatsDelta['replayed'][number]): Document {
  return {
    q: { scope: { $eq: scope }, key: { $eq: key }, state: { $eq: 'completed' } },
    u: { $inc: { replays }, $max: { lastReplayedAt: lastAt } },
    collation: SIMPLE,
  };
}
