import { type DatabaseOptions, openDatabase } from '../measure/database.ts';
import type { Rounds } from '../measure/interleaved.ts';
import { Machine } from '../measure/machine.ts';
import type { Part } from '../parts/part.ts';
import { machineLine } from './machine-line.ts';
import { type Result, writeResult } from './result.ts';
import { markdownOf } from './table.ts';

export interface RunOptions {
  readonly rounds: Rounds;
  readonly keys: number;
  /** The folder of the file that holds what was measured. */
  readonly out: string;
  /** The load of the machine before the first part. Default: now. */
  readonly loadBefore?: number;
  readonly database?: DatabaseOptions;
}

/** Runs one part on a database of its own, prints its tables, and writes them to a file. */
export async function runPart(name: string, part: Part, options: RunOptions): Promise<void> {
  const { rounds, keys, out, loadBefore } = options;
  const machine = await Machine.watch(loadBefore);
  await using database = await openDatabase(machine, options.database);
  const tables = await part({ machine, database, rounds, keys });
  const report = { ...(await machine.report()), mongod: database.version };
  const result: Result = { part: name, at: new Date().toISOString(), machine: report, rounds, tables };
  for (const { title, rows } of tables) console.log(`\n### ${title}\n\n${markdownOf(rows)}`);
  console.log(`\n${machineLine(result)}`);
  console.log(`In ${await writeResult(out, result)}`);
}
