import type { Database, Document } from '../../mongodb/database.ts';
import type { AuditEntry, AuditFilter, AuditPage, TakenEvidence } from '../contract/contract.ts';
import type { Operator } from '../contract/operator.ts';
import { AUDIT } from './beside-keys.ts';
import { isDuplicate, objectId, type Records } from './records.ts';
import { msOf } from './rows.ts';
import { scopeMatch } from './scope-match.ts';
import { type Send, sendTo } from './transactions.ts';

/** An audit record is one entry as it is stored. It is kept for good: who did what must not expire. */
export interface AuditRecord {
  readonly at: Date;
  readonly by: string;
  readonly role: string;
  /**
   * The text says how the command came, when it was not from the dashboard's page: `command line, as root on host-1`.
   */
  readonly via?: string;
  readonly action: string;
  readonly reason: string;
  /** The command's own idempotency key is unique among the entries. */
  readonly commandKey: string;
  /**
   * The result is `intended` until the command has ended: on a server without transactions the intent is written
   * first.
   */
  readonly result: 'intended' | 'done' | 'refused';
  readonly note: string;
  /**
   * The text tells the command from another one of the same action: which part was revealed, which filter was
   * exported.
   */
  readonly command?: string;
  readonly keyId?: string;
  readonly scope?: string;
  readonly key?: string;
  /**
   * `before` and `after` describe the record in a few words; `beforeRecord` and `afterRecord` hold all of it but its
   * bodies.
   */
  readonly before?: string;
  readonly after?: string;
  readonly beforeRecord?: string;
  readonly afterRecord?: string;
  /** The action gives the record this owner. */
  readonly owner?: string;
  readonly jobId?: string;
  readonly evidence?: TakenEvidence;
}

const ENTRIES_PER_PAGE = 50;

const MOST_WORDS = 8;
/** An id is made some time after the clock was asked, and perhaps by another server. */
const CLOCK_SKEW_MS = 60_000;

/** The audit says who did what, in a collection next to the keys. */
export class Audit {
  readonly collection: string;
  readonly #records: Records;
  readonly #db: Database;
  #prepared: Promise<void> | undefined;

  constructor(records: Records) {
    this.#records = records;
    this.#db = records.db;
    this.collection = `${records.collection}${AUDIT.suffix}`;
  }

  /**
   * Creates the index that makes commands idempotent, before the first of them. A failure is not kept: the next call
   * tries again.
   */
  prepare(): Promise<void> {
    this.#prepared ??= this.#createIndexes().catch((error) => {
      this.#prepared = undefined;
      throw error;
    });
    return this.#prepared;
  }

  /**
   * Adds an entry.
   * @returns false when the command was there already
   */
  async add(record: AuditRecord, send: Send = sendTo(this.#db), writeConcern?: Document): Promise<boolean> {
    const command = { insert: this.collection, documents: [record], ...(writeConcern && { writeConcern }) };
    const reply = await send(command);
    const [error] = (reply.writeErrors ?? []) as { code: number; errmsg: string }[];
    if (error && !isDuplicate(error)) throw new Error(error.errmsg);
    return error === undefined;
  }

  async find(commandKey: string): Promise<AuditRecord | undefined> {
    const [found] = await this.#aggregate([{ $match: { commandKey: { $eq: commandKey } } }]);
    return found as AuditRecord | undefined;
  }

  /** Writes down how a command ended that was intended. */
  async conclude(commandKey: string, changes: Partial<AuditRecord>): Promise<void> {
    await sendTo(this.#db)({
      update: this.collection,
      updates: [{ q: { commandKey: { $eq: commandKey } }, u: { $set: changes } }],
      writeConcern: { w: 'majority' },
    });
  }

  async list(
    { cursor, ...filter }: AuditFilter & { readonly cursor?: string },
    { scopes }: Pick<Operator, 'scopes'>,
    limit = ENTRIES_PER_PAGE,
  ): Promise<AuditPage> {
    const match = [
      ...scopeMatch(scopes),
      ...filterMatch(filter),
      ...(cursor !== undefined ? [{ $expr: { $lt: ['$_id', objectId(cursor)] } }] : []),
    ];
    const found = await this.#aggregate([
      { $match: match.length > 0 ? { $and: match } : {} },
      { $sort: { _id: -1 } },
      { $limit: limit + 1 },
      { $unset: ['beforeRecord', 'afterRecord'] },
    ]);
    const entries = found.slice(0, limit).map(entryOf);
    return { entries, next: found.length > limit ? (entries.at(-1)?.id ?? null) : null };
  }

  /** Reads the records before and after the actions on a key, oldest first. */
  versions(keyId: string): Promise<Document[]> {
    return this.#aggregate([
      { $match: { keyId: { $eq: keyId }, beforeRecord: { $type: 'string' } } },
      { $sort: { _id: -1 } },
      { $limit: ENTRIES_PER_PAGE },
      { $sort: { _id: 1 } },
    ]);
  }

  #aggregate(pipeline: Document[]): Promise<Document[]> {
    return this.#records.aggregate(pipeline, { aggregate: this.collection });
  }

  async #createIndexes(): Promise<void> {
    const command = {
      createIndexes: this.collection,
      indexes: AUDIT.indexes,
      writeConcern: { w: 'majority' },
    };
    await sendTo(this.#db)(command);
  }
}

/** Matches what a filter asks for. Values are texts and numbers by now, and are compared as such. */
function filterMatch({ from, before, words, folded, ...fields }: AuditFilter): Document[] {
  return [
    ...Object.entries(fields).map(([name, value]) => ({ [name]: { $eq: value } })),
    ...(folded ? [{ $nor: [{ jobId: { $exists: true }, keyId: { $exists: true } }] }] : []),
    // The ids rise with time, and are what the entries are sorted by.
    ...(from !== undefined
      ? [{ at: { $gte: new Date(from) } }, { $expr: { $gte: ['$_id', idAt(from - CLOCK_SKEW_MS)] } }]
      : []),
    ...(before !== undefined
      ? [{ at: { $lt: new Date(before) } }, { $expr: { $lt: ['$_id', idAt(before + CLOCK_SKEW_MS)] } }]
      : []),
    ...wordsIn(words).map((word) => ({
      $expr: { $gte: [{ $indexOfCP: [ALL_TEXTS, { $literal: word }] }, 0] },
    })),
  ];
}

const wordsIn = (words = '') => words.toLowerCase().split(/\s+/).filter(Boolean).slice(0, MOST_WORDS);

const ALL_TEXTS = {
  $toLower: {
    $concat: ['$reason', '$note', '$by', '$scope', '$key', '$action'].flatMap((path) => [
      { $cond: [{ $eq: [{ $type: path }, 'string'] }, path, ''] },
      '\n',
    ]),
  },
};

/** The first id of a second. */
function idAt(ms: number): Document {
  const seconds = Math.min(Math.max(0, Math.floor(ms / 1_000)), 0xffffffff);
  return objectId(`${seconds.toString(16).padStart(8, '0')}${'0'.repeat(16)}`);
}

function entryOf(found: Document): AuditEntry {
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return {
    id: String(found._id),
    at: msOf(found.at) ?? 0,
    by: String(found.by),
    role: String(found.role),
    action: String(found.action),
    via: text(found.via),
    reason: String(found.reason),
    result: found.result === 'intended' || found.result === 'refused' ? found.result : 'done',
    note: text(found.note),
    keyId: text(found.keyId),
    scope: text(found.scope),
    key: text(found.key),
    before: text(found.before),
    after: text(found.after),
    jobId: text(found.jobId),
    evidence: evidenceOf(found.evidence),
  };
}

function evidenceOf(stored: unknown): TakenEvidence | null {
  const { source, at, found, summary, link } = (stored ?? {}) as Document;
  if (typeof source !== 'string') return null;
  const text = (value: unknown) => (typeof value === 'string' ? value : null);
  return {
    source,
    at: Number(at ?? 0),
    found: found === 'yes' || found === 'no' ? found : 'unknown',
    summary: text(summary) ?? '',
    link: text(link),
  };
}
