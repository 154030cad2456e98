import { setTimeout as sleep } from 'node:timers/promises';
import type { ChangeStreamDocument, Db, Document } from 'mongodb';
import type { Fields, Written } from '../history/history.ts';
import { now } from './clock.ts';
import { receiptIn } from './receipt.ts';

/** What promises depend on; the rest of a record is left out, for it is much. */
const KEPT = [
  ...['scope', 'key', 'state', 'life', 'fence', 'leaseExpiresAt', 'expiresAt', 'outcome', 'response'],
];
const MARKS = 'marks';

export interface RecordChange {
  readonly scope: string;
  readonly key: string;
  readonly written: Written;
}

/**
 * Follows the records of a database by a change stream: it tells each change that a majority had, in their order, and nothing else. Lost
 * connections and elections do not make it miss one.
 */
export class RecordStream implements AsyncDisposable {
  readonly #db: Db;
  readonly #onChange: (change: RecordChange) => void;
  readonly #records = new Map<string, Document>();
  readonly #following: Promise<void>;
  #seenMark = 0;
  #lastMark = 0;
  #isClosing = false;

  constructor(db: Db, onChange: (change: RecordChange) => void) {
    this.#db = db;
    this.#onChange = onChange;
    this.#following = this.#follow();
  }

  /** Writes a mark, and resolves when a majority has it. */
  async mark(): Promise<number> {
    const mark = ++this.#lastMark;
    const marks = this.#db.collection<{ _id: number }>(MARKS);
    await marks.updateOne({ _id: 0 }, { $set: { mark } }, { upsert: true, writeConcern: { w: 'majority' } });
    return mark;
  }

  /** Resolves when everything was told that had been written before. */
  async caughtUp(): Promise<void> {
    const mark = await this.mark();
    while (this.#seenMark < mark) {
      if (this.#isClosing) throw new Error('The stream of records was closed');
      await sleep(100);
      // The first ones may have been written before the stream was there.
      await this.mark().catch(() => undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    await this.#following;
  }

  async #follow(): Promise<void> {
    let token: unknown;
    while (!this.#isClosing) {
      const stream = this.#db.watch([], {
        maxAwaitTimeMS: 200,
        ...(token !== undefined && { resumeAfter: token }),
      });
      try {
        while (!this.#isClosing) {
          const change = await stream.tryNext();
          token = stream.resumeToken;
          if (change) this.#tell(change);
        }
      } catch {
        await sleep(100); // no primary, or a lost connection: it goes on where it was
      } finally {
        await stream.close().catch(() => undefined);
      }
    }
  }

  #tell(change: ChangeStreamDocument): void {
    if (!('ns' in change) || !('documentKey' in change) || !('coll' in change.ns)) return;
    if (change.ns.coll === MARKS) {
      this.#seenMark = Math.max(this.#seenMark, markOf(change));
      return;
    }
    if (change.ns.coll !== 'idempotency_keys') return;
    const id = String(change.documentKey._id);
    const before = this.#records.get(id) ?? null;
    const after = afterChange(before, change);
    const { scope, key } = (after ?? before ?? {}) as { scope?: string; key?: string };
    if (scope === undefined || key === undefined)
      throw new Error(`Expected to know the record of each change, got ${JSON.stringify(change)}`);
    if (after) this.#records.set(id, after);
    else this.#records.delete(id);
    const wallTime = (change as { wallTime?: Date }).wallTime ?? new Date(0);
    const answer = after?.state === 'completed' ? receiptIn(String(after.response?.body)) : undefined;
    this.#onChange({
      ...{ scope, key },
      written: {
        ...{ from: 0, at: now(), before: before as Fields | null, after: after as Fields | null },
        now: wallTime.getTime(),
        ...(answer && { answer }),
      },
    });
  }
}

function markOf(change: ChangeStreamDocument): number {
  if (change.operationType === 'update') return change.updateDescription.updatedFields?.mark ?? 0;
  return 'fullDocument' in change ? (change.fullDocument?.mark ?? 0) : 0;
}

/** What a record is after a change; undefined, or null, where there is none. */
export function afterChange(before: Document | null, change: ChangeStreamDocument): Document | null {
  switch (change.operationType) {
    case 'insert':
    case 'replace':
      return kept(change.fullDocument);
    case 'update': {
      const after = structuredClone(before ?? {});
      const { updatedFields = {}, removedFields = [] } = change.updateDescription;
      for (const [path, value] of Object.entries(updatedFields)) put(after, path.split('.'), value);
      for (const path of removedFields ?? []) put(after, path.split('.'), undefined);
      return kept(after);
    }
    default:
      return null;
  }
}

const kept = (document: Document): Document =>
  Object.fromEntries(KEPT.flatMap((name) => (name in document ? [[name, document[name]]] : [])));

function put(document: Document, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length > 0) {
    // A part of what is not kept, or of a list.
    if (typeof document[name] === 'object' && document[name] !== null) put(document[name], rest, value);
  } else if (value === undefined) delete document[name];
  else document[name] = value;
}
