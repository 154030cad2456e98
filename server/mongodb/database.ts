import { BSON_OPTIONS } from './codec.ts';

export type Document = Record<string, unknown>;

/**
 * The part of a driver's `Db` that is used. By shape, so that the host's own copy and version of the driver will do:
 * no value and no type of a second copy meets it.
 */
export interface Database {
  readonly databaseName: string;
  /** For transactions. Not every 6.x of the driver declares it; each of them has it. */
  readonly client?: { startSession(options?: object): DriverSession };
  command(command: Document, options?: object): Promise<Document>;
}

/** The part of a driver's `ClientSession` that is used. */
export interface DriverSession {
  inTransaction(): boolean;
  advanceOperationTime(operationTime: unknown): void;
  startTransaction(options: object): void;
  commitTransaction(): Promise<unknown>;
  /** Aborts its transaction, if there is one. */
  endSession(): Promise<unknown>;
}

/** One collection, spoken to in raw commands: none of the host client's own settings take part. */
export class Collection {
  readonly name: string;
  readonly #db: Database;

  constructor(db: Database, name: string) {
    this.#db = db;
    this.name = name;
  }

  get database(): string {
    return this.#db.databaseName;
  }

  get namespace(): string {
    return `${this.#db.databaseName}.${this.name}`;
  }

  run(command: Document, session?: DriverSession): Promise<Document> {
    return this.#db.command(command, session ? { ...OPTIONS, session } : OPTIONS);
  }

  get hasSessions(): boolean {
    return typeof this.#db.client?.startSession === 'function';
  }

  get db(): Database {
    return this.#db;
  }

  startSession(): DriverSession {
    if (!this.#db.client) throw new TypeError('Expected the database to have a client');
    return this.#db.client.startSession({ causalConsistency: true });
  }
}

const OPTIONS = { ...BSON_OPTIONS, readPreference: 'primary' };

/** Strings are compared byte by byte, whatever the collection's own collation: `AbC` and `abc` are two keys. */
export const SIMPLE = { locale: 'simple' } as const;
