import type { Database } from '../measure/database.ts';
import type { Rounds } from '../measure/interleaved.ts';
import type { Machine } from '../measure/machine.ts';
import type { Table } from '../report/table.ts';

/** What each part of the bench works with. */
export interface PartContext {
  readonly machine: Machine;
  readonly database: Database;
  readonly rounds: Rounds;
  /** How many keys there are before the part `keys` measures. */
  readonly keys: number;
}

/** One question about the cost, and its tables. */
export type Part = (context: PartContext) => Promise<readonly Table[]>;
