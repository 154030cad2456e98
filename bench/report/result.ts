import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Rounds } from '../measure/interleaved.ts';
import type { MachineReport } from '../measure/machine.ts';
import type { Table } from './table.ts';

/** Here lie the results that `docs/performance.md` shows. */
export const RESULTS = join(import.meta.dirname, '../results');

/** A `Result` is what one part of a bench has measured, as its file holds it. */
export interface Result {
  readonly part: string;
  readonly at: string;
  readonly machine: MachineReport & { readonly mongod: string };
  readonly rounds: Rounds;
  readonly tables: readonly Table[];
}

export async function writeResult(folder: string, result: Result): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${result.part}.json`);
  await writeFile(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}

export async function readResult(folder: string, part: string): Promise<Result | undefined> {
  const text = await readFile(join(folder, `${part}.json`), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Result);
}
