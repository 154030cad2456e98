import type { Database } from '../measure/database.ts';
import type { Rounds } from '../measure/interleaved.ts';
import type { Machine } from '../measure/machine.ts';
import type { Table } from '../report/table.ts';

/** Each part of the bench works with these. */
export interface PartContext {
  readonly machine: Machine;
  readonly database: Database;
  readonly rounds: Rounds;
  /** So many keys are there before the part `keys` measures. */
  readonly keys: number;
}

/** A `Part` answers one question about the cost, by tables. */
export type Part = (context: PartContext) => Promise<readonly Table[]>;
