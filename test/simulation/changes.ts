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

/** What a write makes of one document: null stands for one that is not there. */
export interface Change {
  readonly id: string;
  readonly before: Doc | null;
  readonly after: Doc | null;
  readonly by: 'statement' | 'put aside' | 'ttl';
}

/** What a statement does, before anybody has done it. */
export interface Effects {
  readonly n: 0 | 1;
  /** The id of the document that it makes. */
  readonly upserted?: string;
  readonly changes: readonly Change[];
}

export interface Look {
  readonly documents: ReadonlyMap<string, Doc>;
  /** The clock of the primary when the command came. */
  readonly now: Date;
  /** The unique index of the records is there. */
  readonly hasLock: boolean;
  makeId(): string;
}

/**
 * Says what an update statement changes.
 * @throws StatementFailed
 */
export function effectsOf(collection: string, statement: Doc, look: Look): Effects {
  const { documents, now, hasLock, makeId } = look;
  if (statement.hint && !hasLock) throw new StatementFailed(2, NO_INDEX);
  if (statement.multi) return putAside(statement.q as Doc, documents);
  const id = placeOf(collection, statement.q as Doc, documents);
  const before = documents.get(id) ?? null;
  const after = carriedOut(before, statement, now);
  if (!after) return { n: 0, changes: [] };
  if (before)
    return {
      n: 1,
      changes: compare(after, before) === 0 ? [] : [{ id, before, after, by: 'statement' }],
    };
  const made = { _id: makeId(), ...after };
  return { n: 1, upserted: made._id, changes: [{ id, before, after: made, by: 'statement' }] };
}

/**
 * Says what the insert of a document changes.
 * @throws StatementFailed where one with its key is there
 */
export function insertOf(collection: string, document: Doc, look: Look): Effects {
  const { documents, hasLock, makeId } = look;
  const id = addressOf(collection, document);
  const isThere = documents.has(id);
  if (isThere && (hasLock || collection !== RECORDS)) {
    const keyPattern = collection === RECORDS ? { scope: 1, key: 1 } : { _id: 1 };
    throw new StatementFailed(11_000, DUPLICATE, keyPattern);
  }
  const after = { _id: makeId(), ...copy(document) };
  const place = isThere ? secondOf(id, String(after._id)) : id;
  return { n: 1, changes: [{ id: place, before: null, after, by: 'statement' }] };
}

/** Finds the documents of a filter. */
export function found(
  { find, filter, projection }: Doc,
  documents: ReadonlyMap<string, Doc>,
  now: Date,
): Doc[] {
  return addressesOf(find as string, filter as Doc)
    .flatMap((id) => [id, ...secondsOf(id, documents)])
    .flatMap((at): Doc[] => {
      const document = documents.get(at);
      return document ? [document] : [];
    })
    .map((document) => copy(projected(document, projection as Doc | undefined, { NOW: now })));
}

/**
 * What a document becomes by an update statement; undefined where the statement does not match it.
 * @throws StatementFailed
 */
export function carriedOut(before: Doc | null, { q, u, c = {}, upsert }: Doc, now: Date): Doc | undefined {
  const { scope, key, $expr, ...others } = q as { scope: string; key: string; $expr?: Value };
  const variables = { ...(c as Doc), NOW: now };
  const matches =
    before &&
    Object.entries(others).every(([name, value]) => compare(before[name], value) === 0) &&
    ($expr === undefined || evaluate($expr, before, variables) === true);
  if (matches)
    return copy(Array.isArray(u) ? updated(before, u, variables) : plainlyUpdated(before, u as Doc));
  if (!upsert) return undefined;
  if (before) throw new StatementFailed(11_000, DUPLICATE);
  return copy(updated({ scope, key }, u as Doc[], variables));
}

export const RECORDS = 'idempotency_keys';
export const NO_INDEX = 'hint provided does not correspond to an existing index';
const DUPLICATE = 'E11000 duplicate key error';

export const idOf = (scope: string, key: string) => `${scope}\n${key}`;
/** The place of a document that is the second one of its key. */
const secondOf = (id: string, _id: string) => `${id}\n${_id}`;
export const isSecond = (place: string) => place.split('\n').length > 2;

/** Where a document of a collection is. */
export function addressOf(collection: string, { scope, key, _id }: Doc): string {
  return collection === RECORDS ? idOf(scope as string, key as string) : `${collection}/${_id}`;
}

/** Where the document of a filter is. An owner may have the second document of its key, while there is no lock. */
function placeOf(collection: string, filter: Doc, documents: ReadonlyMap<string, Doc>): string {
  const { owner } = filter;
  const id = addressOf(collection, filter);
  const isWanted = (at: string) => owner !== undefined && documents.get(at)?.owner === owner;
  return isWanted(id) ? id : (secondsOf(id, documents).find(isWanted) ?? id);
}

function secondsOf(id: string, documents: ReadonlyMap<string, Doc>): string[] {
  return [...documents.keys()].filter((at) => isSecond(at) && at.startsWith(`${id}\n`));
}

/** Moves documents of an address to addresses of their own. Nobody looks for them there. */
function putAside({ scope, key, owner, state }: Doc, documents: ReadonlyMap<string, Doc>): Effects {
  const id = idOf(scope as string, key as string);
  const changes = [id, ...secondsOf(id, documents)].flatMap((at): Change[] => {
    const before = documents.get(at);
    const isMeant = before && before.owner === owner && before.state === state;
    return isMeant ? [{ id: at, before, after: null, by: 'put aside' }] : [];
  });
  return { n: changes.length > 0 ? 1 : 0, changes };
}

function addressesOf(collection: string, filter: Doc): string[] {
  if (Array.isArray(filter.$or))
    return (filter.$or as Doc[]).flatMap((branch) => addressesOf(collection, branch));
  const keys = (filter.key as { $in?: string[] } | undefined)?.$in ?? [filter.key];
  return keys.map((key) => addressOf(collection, { ...filter, key }));
}

function projected(document: Doc, projection: Doc | undefined, variables: Doc): Doc {
  if (projection === undefined) return document;
  const made: Doc = {};
  if (projection._id !== 0) made._id = document._id;
  for (const [name, value] of Object.entries(projection)) {
    if (value === 0 || name === '_id') continue;
    const field = value === 1 ? document[name] : evaluate(value, document, variables);
    if (field !== undefined) made[name] = field;
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
