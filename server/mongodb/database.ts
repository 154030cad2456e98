import { BSON_OPTIONS } from './codec.ts';

export type Document = Record<string, unknown>;

/**
 * The part of a driver's `Db` that is used. By shape, so that the host's own copy and version of the driver will do:
 * no value and no type of a second copy meets it.
 */
export interface Database {
  readonly databaseName: string;
  command(command: Document, options?: object): Promise<Document>;
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

  run(command: Document): Promise<Document> {
    return this.#db.command(command, OPTIONS);
  }
}

const OPTIONS = { ...BSON_OPTIONS, readPreference: 'primary' };

/** Strings are compared byte by byte, whatever the collection's own collation: `AbC` and `abc` are two keys. */
export const SIMPLE = { locale: 'simple' } as const;
