import { BSON_OPTIONS } from './codec.ts';

export type Document = Record<string, unknown>;

/**
 * `Database` is the part of a driver's `Db` that we use. It is typed by shape, because the host brings the driver: we
 * import none, so that its copy and version never meet another one.
 */
export interface Database {
  readonly databaseName: string;
  /** Transactions need the client. Every 6.x of the driver has it, but not every one declares it. */
  readonly client?: { startSession(options?: object): DriverSession; db?(name: string): Database };
  command(command: Document, options?: object): Promise<Document>;
}

/** The part of a driver's `ClientSession` that is used. */
export interface DriverSession {
  /** The server's logical time of the last answer in this session. */
  readonly operationTime?: unknown;
  inTransaction(): boolean;
  advanceOperationTime(operationTime: unknown): void;
  startTransaction(options: object): void;
  commitTransaction(): Promise<unknown>;
  /** Sends nothing where the server has answered no operation of the transaction yet. */
  abortTransaction(): Promise<unknown>;
  /** Ends the session, and aborts its transaction if there is one. */
  endSession(): Promise<unknown>;
}

export interface CommandOptions {
  readonly session?: DriverSession;
  readonly signal?: AbortSignal;
}

/** A `Collection` sends raw commands to one collection, so that the settings of the host's client do not take part. */
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

  /** @param options.signal closes the connection that the command waits on, with drivers from 6.13 on */
  run(command: Document, options?: CommandOptions): Promise<Document> {
    return this.#db.command(command, options ? { ...OPTIONS, ...options } : OPTIONS);
  }

  /** @throws TypeError when `db` has no client that knows the admin database */
  async runOnAdmin(command: Document, options: CommandOptions): Promise<Document> {
    const admin = this.#db.client?.db?.('admin');
    if (!admin) throw new TypeError('Expected `db.client` to have `db()`');
    return admin.command(command, { ...OPTIONS, ...options });
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
