import type { ServerTimes } from '../clock-bounds.ts';
import { type Collection, type Document, SIMPLE } from '../database.ts';
import type { Lock } from '../pipelines/statements.ts';
import type { ServerClock } from '../server-clock.ts';
import { isDuplicateOf, mayMissIndex } from '../server-errors.ts';
import type { PendingWrite } from './pending-write.ts';
import type { Answer, StatementError } from './update-command.ts';
import type { Command } from './write-queue.ts';

/** An insert is followed by a read. Fewer first claims than this are cheaper, and sooner there, as upserts. */
const FEWEST_INSERTS = 4;

export interface InsertsOptions {
  readonly collection: Collection;
  readonly clock: ServerClock;
  readonly lock: Lock;
}

type Terms = { readonly times: ServerTimes; readonly limitMs: number; readonly signal: AbortSignal };

/**
 * `Inserts` carries out first claims as one `insert` command. The server needs half of the time for it that it needs for as many upserts.
 *
 * Two things that an upsert does by itself are done by a read of one of the new records, after the insert and through the lock. An
 * upsert names the lock, so that the server refuses it where the lock is gone; the record that is read through the lock shows that the
 * lock stands, over all records that were there. And an upsert asks the server's clock; the read tells how much is left of the leases
 * that were written by bounds of that clock. (docs/adr/0008-first-claims-are-inserts.md)
 */
export class Inserts {
  readonly #options: InsertsOptions;

  constructor(options: InsertsOptions) {
    this.#options = options;
  }

  /** The times to write into the records of a command; undefined where it is not to be an insert. */
  timesFor({ group, slot }: Command): ServerTimes | undefined {
    const { clock, lock } = this.#options;
    // What is sent again goes as an upsert, whose answer says more.
    if (slot !== 'shared' || group.length < FEWEST_INSERTS || lock.isLost) return undefined;
    // The read is a second way to the server. To one that is far away it takes each caller longer than the insert spares.
    if (clock.isFar) return undefined;
    return group.every(({ write }) => write.document) ? clock.times() : undefined;
  }

  /** @returns one answer for each write of the group, in its order @throws what the driver throws, or a reply without a majority */
  async send(group: readonly PendingWrite[], terms: Terms): Promise<readonly Answer[]> {
    const sentAt = performance.now();
    const reply = await this.#run(insertCommand(this.#options.collection.name, group, terms), terms);
    const errors = (reply.writeErrors ?? []) as readonly StatementError[];
    const { operationTime } = reply;
    const answers: Answer[] = new Array(group.length);
    for (const error of errors) {
      const isThere = isDuplicateOf(error, 'the lock');
      answers[error.index] = isThere ? { inserted: false, matched: true, sentAt, operationTime } : 'upsert';
    }
    const inserted = group.filter((_, index) => !answers[index]);
    const [first] = inserted;
    if (!first) return answers;
    const leasedAt = await this.#leaseOf(first, terms);
    for (const [index, pending] of group.entries()) {
      answers[index] ??=
        leasedAt === undefined
          ? { undo: () => this.#putAside(pending, terms) }
          : { inserted: true, matched: true, sentAt: Math.min(sentAt, leasedAt), operationTime };
    }
    return answers;
  }

  /**
   * Reads a record that was inserted, through the lock.
   * @returns from when on, by `performance.now()`, the lease of this record counts, and so that of all which were inserted with it.
   *   Undefined: the lock is gone
   */
  async #leaseOf({ write }: PendingWrite, terms: Terms): Promise<number | undefined> {
    const { collection, clock, lock } = this.#options;
    const askedAt = performance.now();
    let reply: Document;
    try {
      reply = await this.#run(lookCommand(collection.name, write.statement, lock, terms), terms);
    } catch (error) {
      if (!mayMissIndex((error as { code?: number }).code ?? 0)) throw error;
      lock.isLost = true;
      return undefined;
    }
    const [found] = (reply.cursor as { readonly firstBatch: readonly Document[] }).firstBatch;
    if (found?.owner !== write.owner) throw new Error('A record that was just inserted is not there');
    clock.noteReading(askedAt, found.now);
    return askedAt + terms.times.latest - (found.now as Date).getTime();
  }

  async #putAside({ write }: PendingWrite, terms: Terms): Promise<void> {
    const updates = [write.aside?.()];
    const command = { update: this.#options.collection.name, updates, ...majorityWithin(terms.limitMs) };
    const reply = await this.#run(command, terms);
    const [failed] = (reply.writeErrors ?? []) as readonly StatementError[];
    if (failed) throw Object.assign(new Error(failed.errmsg), { code: failed.code });
  }

  async #run(command: Document, { signal }: Terms): Promise<Document> {
    const reply = await this.#options.collection.run(command, { signal });
    // Not every version of the driver throws it.
    if (reply.writeConcernError) throw reply;
    return reply;
  }
}

const majorityWithin = (limitMs: number) => ({
  writeConcern: { w: 'majority', wtimeout: limitMs },
  maxTimeMS: limitMs,
});

/** Makes the command. Its documents have no `_id`: the server then makes one, as it does for an upsert. */
function insertCommand(
  collection: string,
  group: readonly PendingWrite[],
  { times, limitMs }: Terms,
): Document {
  const documents = group.map(({ write }) => write.document?.(times));
  return { insert: collection, documents, ordered: false, ...majorityWithin(limitMs) };
}

function lookCommand(collection: string, statement: Document, { hint }: Lock, { limitMs }: Terms): Document {
  return {
    find: collection,
    filter: addressOf(statement),
    hint,
    projection: { _id: 0, owner: 1, now: '$$NOW' },
    collation: SIMPLE,
    limit: 1,
    singleBatch: true,
    readConcern: { level: 'local' },
    maxTimeMS: limitMs,
  };
}

function addressOf({ q }: Document): { scope: unknown; key: unknown } {
  const { scope, key } = q as { scope: unknown; key: unknown };
  return { scope, key };
}
