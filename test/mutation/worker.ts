import fc from 'fast-check';
import type { NotedTest } from './vitest-shim.ts';

/** A job names the bundle of the tests; then come mutants, one after the other. */
export type Task = { readonly bundle: string } | { readonly mutant: string };
export type Verdict =
  | { readonly is: 'ready'; readonly covered: readonly string[] }
  | { readonly is: 'killed'; readonly by: string }
  | { readonly is: 'survived' };

interface Switch {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number;
  mutantCoverage?: Record<'static', Record<string, number>> & {
    perTest: Record<string, Record<string, number>>;
  };
}

/** The instrumented sources look here for the mutant that they play. */
const global = globalThis as unknown as { __stryker__: Switch };
global.__stryker__ = { hitLimit: 1_000_000 };
const mutants = global.__stryker__;
// A mutant is killed by the first failure; a shorter one is of no use, and the same cases each time are.
fc.configureGlobal({ seed: 1, endOnFailure: true });

let bundle = '';
let tests: readonly NotedTest[] = [];
/** The fastest first: most mutants are killed by many tests. */
let order: readonly number[] = [];
let covering = new Map<string, readonly number[]>();
let atImport = new Set<string>();

async function load(url: string): Promise<readonly NotedTest[]> {
  const { tests } = (await import(url)) as { tests: readonly NotedTest[] };
  return tests;
}

/** Plays tests, each suite prepared anew. @returns the name of the first that fails */
async function firstFailure(
  all: readonly NotedTest[],
  which: readonly number[],
): Promise<string | undefined> {
  const prepared = new Set<unknown>();
  for (const index of which) {
    const { name, suites, run } = all[index] as NotedTest;
    mutants.currentTestId = String(index);
    try {
      for (const suite of suites) {
        if (prepared.has(suite)) continue;
        prepared.add(suite);
        for (const prepare of suite.beforeAll) await prepare();
      }
      await run();
    } catch {
      return name;
    } finally {
      mutants.currentTestId = undefined;
    }
  }
  return undefined;
}

/** Plays all tests as they are, to see that they pass and which mutants each of them meets. */
async function prepare(url: string): Promise<Verdict> {
  bundle = url;
  tests = await load(url);
  const took: number[] = [];
  for (const index of tests.keys()) {
    const from = performance.now();
    const failed = await firstFailure(tests, [index]);
    if (failed !== undefined) throw new Error(`Without a mutant, this test fails: ${failed}`);
    took.push(performance.now() - from);
  }
  order = [...tests.keys()].sort((a, b) => (took[a] ?? 0) - (took[b] ?? 0));
  const { static: imported = {}, perTest = {} } = mutants.mutantCoverage ?? {};
  atImport = new Set(Object.keys(imported));
  const met = new Map<string, number[]>();
  for (const index of order)
    for (const id of Object.keys(perTest[index] ?? {})) met.set(id, [...(met.get(id) ?? []), index]);
  covering = met;
  return { is: 'ready', covered: [...new Set([...atImport, ...covering.keys()])] };
}

async function play(mutant: string): Promise<Verdict> {
  mutants.activeMutant = mutant;
  mutants.hitCount = 0;
  try {
    // What a module makes when it is imported, such as a table, has to be made again.
    const isStatic = atImport.has(mutant);
    const played = isStatic ? await load(`${bundle}?mutant=${mutant}`) : tests;
    const by = await firstFailure(played, isStatic ? order : (covering.get(mutant) ?? []));
    return by === undefined ? { is: 'survived' } : { is: 'killed', by };
  } catch {
    return { is: 'killed', by: 'the import' };
  } finally {
    mutants.activeMutant = undefined;
  }
}

process.on('unhandledRejection', () => {}); // of a mutant that has been judged already
process.on('message', async (task: Task) => {
  const verdict = 'bundle' in task ? await prepare(task.bundle) : await play(task.mutant);
  process.send?.(verdict);
});
