import { isIdempotencyError } from '../../engine/errors.ts';
import { BSON_OPTIONS } from '../../mongodb/codec.ts';
import type { Database, Document } from '../../mongodb/database.ts';
import { punctual } from '../../mongodb/deadline.ts';
import { failureOf } from '../../mongodb/server-errors.ts';
import type { OperatorScopes } from '../contract/operator.ts';
import { scopeMatch } from './scope-match.ts';
import type { Send } from './transactions.ts';

/** A read of the dashboard ends after this time: no page is worth more of the server's time. */
const MAX_TIME_MS = 10_000;
/** An operator waits so long for the database: until it has said that a page took it too long. */
export const PATIENCE_MS = MAX_TIME_MS + 2_000;

// With these options 64-bit numbers stay objects of the driver's, whose text is exact.
const EXACT = { ...BSON_OPTIONS, promoteLongs: false, readPreference: 'primary' };

/** Reads the keys' collection for the dashboard. */
export class Records {
  readonly db: Database;
  readonly collection: string;

  constructor(db: Database, collection: string) {
    this.db = punctual(db, PATIENCE_MS);
    this.collection = collection;
  }

  get namespace(): string {
    return `${this.db.databaseName}.${this.collection}`;
  }

  /** Reads what a pipeline finds, but no more than 16 MB of it. */
  async aggregate(pipeline: Document[], options: Document = {}): Promise<Document[]> {
    const command = { aggregate: this.collection, pipeline, cursor: { batchSize: 10_000 } };
    const reply = await this.db.command({ ...command, ...SIMPLE_READ, ...options }, EXACT);
    return (reply.cursor as { firstBatch: Document[] }).firstBatch;
  }

  /** Reads by the commands of an action, which may be those of a transaction. */
  async aggregateBy(send: Send, pipeline: Document[]): Promise<Document[]> {
    const reply = await send({ aggregate: this.collection, pipeline, cursor: {} });
    return (reply.cursor as { firstBatch: Document[] }).firstBatch;
  }

  /** Reads the server's clock. */
  async now(): Promise<Date> {
    const { localTime } = await this.db.command({ hello: 1 }, EXACT);
    return localTime as Date;
  }
}

const SIMPLE_READ = {
  collation: { locale: 'simple' },
  readConcern: { level: 'majority' },
  maxTimeMS: MAX_TIME_MS,
};

const BAD_HINT = 2;
const OUT_OF_TIME = 50;

/** Tells whether the collection lacks the index of a hint: nobody has called `ready()` there. */
export const isBadHint = (error: unknown) => codeOf(error) === BAD_HINT;
export const isOutOfTime = (error: unknown) => codeOf(error) === OUT_OF_TIME;
export const isDuplicate = (error: unknown) => codeOf(error) === 11000;
/** The socket of a server that is just going fails with one of these: the driver passes them on as they are. */
const HUNG_UP = ['EPIPE', 'ECONNRESET'];

/** Tells whether asking again may help: the driver says so, or did not say anything in time. */
export function isUnreachable(error: unknown): boolean {
  if (isIdempotencyError(error)) return error.code === 'IDEMPOTENCY_STORE_UNAVAILABLE';
  if (HUNG_UP.includes(codeOf(error) as string)) return true;
  const isOfDriver = error instanceof Error && error.name.startsWith('Mongo');
  return isOfDriver && !['rejected', 'denied'].includes(failureOf(error));
}

const codeOf = (error: unknown) => (error as { code?: unknown } | null)?.code;

/** Writes an ObjectId as an expression: none is made here, for the host's driver may be another copy. */
export const objectId = (hex: string): Document => ({ $toObjectId: { $literal: hex } });
export const isObjectId = (text: string): boolean => /^[0-9a-f]{24}$/.test(text);
/** Matches one record where an operator of these scopes may see it; undefined stands for all scopes. */
export const isVisible = (hex: string, scopes: OperatorScopes | undefined): Document =>
  scopes ? { $and: [idIs(hex), ...scopeMatch(scopes)] } : idIs(hex);
/** Matches one id, by the index: the server takes the expression for the constant that it is. */
export const idIs = (hex: string): Document => ({ $expr: { $eq: ['$_id', objectId(hex)] } });
