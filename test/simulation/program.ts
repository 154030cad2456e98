import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { PlantedFault } from './planted-faults.ts';
import type { subject } from './subject.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);

/** What a machine gives its program in place of what Node.js gives: its own clock, timers and random numbers. */
export interface Surroundings {
  readonly setTimeout: unknown;
  readonly clearTimeout: unknown;
  readonly performance: { now(): number };
  readonly Date: DateConstructor;
  readonly Math: Math;
  /** So many first claims must come together to be inserts. */
  readonly FEWEST: number;
  randomUUID(): string;
  /** As `setTimeout` of node:timers/promises. */
  pause(ms: number, value?: unknown, options?: { signal?: AbortSignal }): Promise<unknown>;
}

/** The globals that a machine has of its own. */
const PARAMETERS = ['setTimeout', 'clearTimeout', 'performance', 'Date', 'Math', 'FEWEST'] as const;

/** A day has few calls, so some machines insert a single claim, too. */
const FEWEST_IS_GIVEN: Edit = {
  file: 'server/mongodb/writes/inserts.ts',
  find: 'const FEWEST_INSERTS = 4;',
  replace: 'declare const FEWEST: number; const FEWEST_INSERTS = FEWEST;',
};

/** A change of one source file: `find`, which it has once, becomes `replace`. */
export type Edit = Omit<PlantedFault, 'name'>;

/** Loads a new copy of the package: modules of two machines share nothing. */
export type Program = (surroundings: Surroundings) => typeof subject;

/**
 * Makes one script of the package's core and its MongoDB store, whose clock, timers and random numbers are parameters.
 * @param fault is put into the sources before. @throws Error where its text is not in them exactly once
 */
export async function makeProgram(fault?: PlantedFault): Promise<Program> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./subject.ts', import.meta.url))],
    bundle: true,
    write: false,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    logLevel: 'silent',
    plugins: [planting(FEWEST_IS_GIVEN, ...(fault ? [fault] : []))],
  });
  const { text } = outputFiles[0] as { text: string };
  const script = new Function('module', 'exports', 'require', 'process', ...PARAMETERS, text);
  return (surroundings) => {
    const modules: Record<string, unknown> = {
      'node:crypto': { ...require('node:crypto'), randomUUID: surroundings.randomUUID },
      'node:timers/promises': { setTimeout: surroundings.pause, setImmediate: () => surroundings.pause(0) },
    };
    const load = (name: string) => modules[name] ?? require(name);
    const module = { exports: {} as { subject: typeof subject } };
    const own = PARAMETERS.map((name) => surroundings[name]);
    script(module, module.exports, load, { emitWarning() {} }, ...own);
    return module.exports.subject;
  };
}

/** Makes a plugin of esbuild that puts faults into the sources. @throws Error where the text of one is not in them exactly once */
export function planting(...edits: readonly Edit[]) {
  return {
    name: 'edits of the sources',
    setup(builder: {
      onLoad(filter: { filter: RegExp }, load: (args: { path: string }) => unknown): void;
      onEnd(check: () => void): void;
    }) {
      const made = new Set<Edit>();
      builder.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const name = relative(ROOT, path).split(sep).join('/');
        const here = edits.filter(({ file }) => file === name);
        if (here.length === 0) return undefined;
        let contents = readFileSync(path, 'utf8');
        for (const edit of here) {
          const { file, find, replace } = edit;
          if (contents.split(find).length !== 2)
            throw new Error(`Expected ${file} to hold exactly once: ${find}`);
          contents = contents.replace(find, () => replace);
          made.add(edit);
        }
        return { contents, loader: 'ts' };
      });
      builder.onEnd(() => {
        const missing = edits.find((edit) => !made.has(edit));
        if (missing) throw new Error(`Not edited: ${missing.file} is not part of the program`);
      });
    },
  };
}
