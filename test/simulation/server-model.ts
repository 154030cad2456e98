import {
  compare,
  type Doc,
  evaluate,
  isDate,
  plainlyUpdated,
  StatementFailed,
  updated,
  type Value,
} from './evaluate.ts';
import type { World } from './world.ts';

/** What a driver throws where a connection is lost: whether the command was carried out is not known. */
export function networkError(message: string): Error {
  return Object.assign(new Error(message), { name: 'MongoNetworkError' });
}

function serverError(code: number, message: string): Error {
  return Object.assign(new Error(message), { name: 'MongoServerError', code, errorLabels: [] });
}

/** One write as the server's log has it: what a document became, or null for one that was deleted. */
export interface LogEntry {
  readonly time: number;
  readonly at: number;
  readonly id: string;
  readonly before: Doc | null;
  readonly after: Doc | null;
  readonly by: 'statement' | 'put aside' | 'ttl';
  /** The primary's clock when it was written. */
  readonly now: Date;
}

interface Waiting {
  readonly time: number;
  done(): void;
  lost(): void;
}

export interface ServerSettings {
  /** A write is on a majority after so many ms. */
  replicationMs: number;
  /** The TTL monitor looks so often. */
  ttlMs: number;
}

/**
 * A replica set, as far as the store's commands can tell: documents change one at a time, on a primary; a majority has a change some
 * time later; an election may lose what no majority had; `$$NOW` is the primary's clock, which differs from member to member and may
 * be set; the TTL monitor deletes what has expired.
 */
export class ServerModel {
  /** Everything that a majority had at some time, in its order. */
  readonly log: LogEntry[] = [];
  readonly settings: ServerSettings;
  /** False from the moment that somebody drops the unique index until it is made again. */
  hasLock = true;
  /** The primary's clock is so many ms ahead of true time. */
  clockMs = 0;
  readonly #world: World;
  #primary = new Map<string, Doc>();
  #majority = new Map<string, Doc>();
  #pending: LogEntry[] = [];
  #time = 1;
  #majorityTime = 1;
  #term = 1;
  #ids = 0;
  #isElecting = false;
  #waiting: Waiting[] = [];

  constructor(world: World, settings: ServerSettings) {
    this.#world = world;
    this.settings = settings;
    this.#reap();
  }

  get now(): Date {
    return new Date(1_767_225_600_000 + Math.floor(this.#world.now) + this.clockMs);
  }

  /** The record as a majority has it. */
  record(scope: string, key: string): Doc | undefined {
    return this.#majority.get(idOf(scope, key));
  }

  /** Carries out a command, and gives its reply once it is due. @throws what a driver throws */
  command(command: Doc): Promise<Doc> {
    if (this.#isElecting) return Promise.reject(serverError(10_107, 'not primary'));
    if ('update' in command) return this.#update(command);
    if ('insert' in command) return this.#insert(command);
    if ('find' in command) return this.#find(command);
    if ('hello' in command) return Promise.resolve({ ok: 1, localTime: this.now });
    if ('createIndexes' in command) return this.#makeLock(command);
    if ('listIndexes' in command)
      return Promise.resolve({ ok: 1, cursor: { firstBatch: this.hasLock ? [LOCK] : [] } });
    // It asks the notes about calls.
    if ('aggregate' in command && command.aggregate !== RECORDS)
      return Promise.resolve({ ok: 1, cursor: { firstBatch: [] } });
    throw new Error(`No model of the command ${Object.keys(command)[0]}`);
  }

  /** The primary steps down. `keepsAll` is false where it dies, and what no majority has yet may be lost. */
  elect(forMs: number, keepsAll: boolean, clockMs: number): void {
    if (this.#isElecting) return;
    this.#term++;
    this.#isElecting = true;
    const kept = keepsAll ? this.#pending.length : this.#world.random.between(0, this.#pending.length);
    for (const entry of this.#pending.slice(0, kept)) this.#apply(this.#majority, entry);
    this.log.push(...this.#pending.slice(0, kept));
    if (kept < this.#pending.length)
      this.#world.tell(`server: ${this.#pending.length - kept} writes roll back`);
    this.#pending = [];
    this.#primary = new Map(this.#majority);
    for (const waiting of this.#waiting.splice(0)) waiting.lost();
    this.#world.after(forMs, () => {
      this.#isElecting = false;
      this.clockMs = clockMs;
      this.#time++;
      this.#majorityTime = this.#time;
      this.#world.tell('server: a new primary');
    });
  }

  #update({ update, updates, writeConcern }: Doc): Promise<Doc> {
    const upserted: { index: number; _id: string }[] = [];
    const writeErrors: { index: number; code: number; errmsg: string }[] = [];
    const now = this.now;
    let n = 0;
    for (const [index, statement] of (updates as Doc[]).entries()) {
      // Counts and notes of what happened have no part in what is promised.
      if (update !== RECORDS || '$inc' in (statement.u as Doc)) continue;
      try {
        const inserted = this.#write(statement, now);
        if (inserted === undefined) continue;
        n++;
        if (inserted) upserted.push({ index, _id: inserted });
      } catch (error) {
        if (!(error instanceof StatementFailed)) throw error;
        writeErrors.push({ index, code: error.code, errmsg: error.message });
      }
    }
    const reply = { ok: 1, n, upserted, writeErrors, operationTime: this.#time };
    return this.#withConcern(reply, writeConcern);
  }

  #insert({ documents, writeConcern }: Doc): Promise<Doc> {
    const writeErrors: Doc[] = [];
    const now = this.now;
    for (const [index, document] of (documents as Doc[]).entries()) {
      const { scope, key } = document as { scope: string; key: string };
      const id = idOf(scope, key);
      const isThere = this.#primary.has(id);
      if (isThere && this.hasLock) {
        writeErrors.push({ index, code: 11_000, errmsg: 'E11000 duplicate key error', keyPattern: LOCK.key });
        continue;
      }
      const made = { _id: `id-${++this.#ids}`, ...copy(document) };
      this.#record({
        id: isThere ? secondOf(id, made._id) : id,
        before: null,
        after: made,
        by: 'statement',
        now,
      });
    }
    const n = (documents as Doc[]).length - writeErrors.length;
    return this.#withConcern({ ok: 1, n, writeErrors, operationTime: this.#time }, writeConcern);
  }

  #withConcern(reply: Doc, writeConcern: Value): Promise<Doc> {
    return (writeConcern as Doc | undefined)?.w === 'majority'
      ? this.#onMajority(this.#time, reply)
      : Promise.resolve(reply);
  }

  #makeLock({ createIndexes }: Doc): Promise<Doc> {
    if (createIndexes !== RECORDS || this.hasLock) return Promise.resolve({ ok: 1 });
    if ([...this.#primary.keys()].some(isSecond))
      return Promise.reject(serverError(11_000, 'E11000 duplicate key error'));
    this.hasLock = true;
    this.#world.tell('server: the unique index is there again');
    return Promise.resolve({ ok: 1 });
  }

  /** @returns undefined where no document matched, an id where one was made, else an empty text */
  #write(statement: Doc, now: Date): string | undefined {
    if (statement.hint && !this.hasLock) throw new StatementFailed(2, NO_INDEX);
    if (statement.multi) return this.#putAside(statement, now);
    const id = this.#placeOf(statement.q as Doc);
    const before = this.#primary.get(id) ?? null;
    const after = carriedOut(before, statement, now);
    if (!after) return undefined;
    if (before) {
      if (compare(after, before) !== 0) this.#record({ id, before, after, by: 'statement', now });
      return '';
    }
    const made = { _id: `id-${++this.#ids}`, ...after };
    this.#record({ id, before, after: made, by: 'statement', now });
    return made._id;
  }

  /** Where the document of a filter is. An owner may have the second document of its key, while there is no lock. */
  #placeOf({ scope, key, owner }: Doc): string {
    const id = idOf(scope as string, key as string);
    const isWanted = (at: string) => owner !== undefined && this.#primary.get(at)?.owner === owner;
    return isWanted(id) ? id : (this.#secondsOf(id, this.#primary).find(isWanted) ?? id);
  }

  #secondsOf(id: string, documents: Map<string, Doc>): string[] {
    return [...documents.keys()].filter((at) => isSecond(at) && at.startsWith(`${id}\n`));
  }

  /** Moves documents of an address to addresses of their own. Nobody looks for them there. */
  #putAside({ q }: Doc, now: Date): string | undefined {
    const { scope, key, owner, state } = q as Doc;
    const id = idOf(scope as string, key as string);
    const moved = [id, ...this.#secondsOf(id, this.#primary)].filter((at) => {
      const found = this.#primary.get(at);
      return found?.owner === owner && found?.state === state;
    });
    for (const at of moved)
      this.#record({ id: at, before: this.#primary.get(at) as Doc, after: null, by: 'put aside', now });
    return moved.length > 0 ? '' : undefined;
  }

  async #find({ filter, projection, readConcern, hint }: Doc): Promise<Doc> {
    if (hint && !this.hasLock) throw serverError(2, NO_INDEX);
    const { afterClusterTime = 0, level } = (readConcern ?? {}) as {
      afterClusterTime?: number;
      level?: string;
    };
    if (level === 'majority') await this.#onMajority(afterClusterTime, {});
    const documents = level === 'majority' ? this.#majority : this.#primary;
    const variables = { NOW: this.now };
    const firstBatch = addressesOf(filter as Doc)
      .flatMap(({ scope, key }): Doc[] => {
        const id = idOf(scope, key);
        return [id, ...this.#secondsOf(id, documents)].flatMap((at): Doc[] => {
          const found = documents.get(at);
          return found ? [found] : [];
        });
      })
      .map((document) => copy(projected(document, projection as Doc, variables)));
    return { ok: 1, cursor: { firstBatch }, operationTime: this.#time };
  }

  #onMajority(time: number, reply: Doc): Promise<Doc> {
    if (time <= this.#majorityTime) return Promise.resolve(reply);
    return new Promise((resolve, reject) => {
      this.#waiting.push({
        time,
        done: () => resolve(reply),
        lost: () => reject(serverError(11_602, 'operation was interrupted: the primary stepped down')),
      });
    });
  }

  #record(write: Omit<LogEntry, 'time' | 'at'>): void {
    const entry = { ...write, time: ++this.#time, at: this.#world.now };
    this.#apply(this.#primary, entry);
    this.#pending.push(entry);
    const term = this.#term;
    this.#world.after(this.settings.replicationMs, () => {
      if (term === this.#term) this.#replicate(entry.time);
    });
  }

  #replicate(time: number): void {
    while (this.#pending[0] && this.#pending[0].time <= time) {
      const entry = this.#pending.shift() as LogEntry;
      this.#apply(this.#majority, entry);
      this.log.push(entry);
      this.#majorityTime = entry.time;
    }
    const ready = this.#waiting.filter((waiting) => waiting.time <= this.#majorityTime);
    this.#waiting = this.#waiting.filter((waiting) => waiting.time > this.#majorityTime);
    for (const waiting of ready) waiting.done();
  }

  #apply(documents: Map<string, Doc>, { id, after }: LogEntry): void {
    if (after) documents.set(id, after);
    else documents.delete(id);
  }

  #reap(): void {
    const look = () => {
      const now = this.now;
      for (const [id, before] of this.#primary) {
        if (!this.#isElecting && isDate(before.expiresAt) && before.expiresAt <= now)
          this.#record({ id, before, after: null, by: 'ttl', now });
      }
      this.#reap();
    };
    this.#world.after(this.settings.ttlMs, look, { isBackground: true });
  }
}

/**
 * What a document becomes by an update statement; undefined where the statement does not match it.
 * @throws StatementFailed
 */
export function carriedOut(found: Doc | null, { q, u, c = {}, upsert }: Doc, now: Date): Doc | undefined {
  const { scope, key, $expr, ...others } = q as { scope: string; key: string; $expr?: Value };
  const variables = { ...(c as Doc), NOW: now };
  const matches =
    found &&
    Object.entries(others).every(([name, value]) => compare(found[name], value) === 0) &&
    ($expr === undefined || evaluate($expr, found, variables) === true);
  if (matches) return copy(Array.isArray(u) ? updated(found, u, variables) : plainlyUpdated(found, u as Doc));
  if (!upsert) return undefined;
  if (found) throw new StatementFailed(11_000, 'E11000 duplicate key error');
  return copy(updated({ scope, key }, u as Doc[], variables));
}

const RECORDS = 'idempotency_keys';
const LOCK = { name: 'scope_1_key_1', key: { scope: 1, key: 1 }, unique: true };
const NO_INDEX = 'hint provided does not correspond to an existing index';
/** The place of a document that is the second one of its key. */
const secondOf = (id: string, _id: string) => `${id}\n${_id}`;
const isSecond = (place: string) => place.split('\n').length > 2;

const idOf = (scope: string, key: string) => `${scope}\n${key}`;

function addressesOf(filter: Doc): { scope: string; key: string }[] {
  if (Array.isArray(filter.$or)) return (filter.$or as Doc[]).flatMap(addressesOf);
  const keys = typeof filter.key === 'string' ? [filter.key] : (filter.key as { $in: string[] }).$in;
  return keys.map((key) => ({ scope: filter.scope as string, key }));
}

function projected(document: Doc, projection: Doc, variables: Doc): Doc {
  const made: Doc = {};
  if (projection._id !== 0) made._id = document._id;
  for (const [name, value] of Object.entries(projection)) {
    if (value === 0 || name === '_id') continue;
    const found = value === 1 ? document[name] : evaluate(value, document, variables);
    if (found !== undefined) made[name] = found;
  }
  return made;
}

/** As a document that went over the wire: nothing of it is shared. */
function copy<T extends Value>(value: T): T {
  if (isDate(value)) return new Date(value) as T;
  if (Array.isArray(value)) return value.map(copy) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]) => (inner === undefined ? [] : [[name, copy(inner)]])),
  ) as T;
}
