import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { bundleOf, filesIn, type Mutant } from './instrument.ts';
import type { Task, Verdict } from './worker.ts';

/** What is mutated, and the tests that are to notice it: they need no server, so that thousands of mutants can be played. */
const TARGETS = {
  engine: { sources: ['server/engine'], tests: ['test/engine', 'test/memory', 'test/options.test.ts'] },
  pipelines: { sources: ['server/mongodb/pipelines'], tests: ['test/mongodb/modelled-pipelines.test.ts'] },
} as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** Only the mutants of sources whose path matches this expression. */
    only: { type: 'string', default: '' },
    'timeout-ms': { type: 'string', default: '60000' },
  },
});
const timeoutMs = Number(values['timeout-ms']);

type Outcome = 'killed' | 'survived' | 'timeout' | 'not covered';
interface Judged {
  readonly mutant: Mutant;
  readonly outcome: Outcome;
}

/** A process that plays one mutant at a time. One that does not answer is killed, and so is the mutant. */
class Player {
  readonly #bundle: string;
  #process: ChildProcess | undefined;
  covered: ReadonlySet<string> = new Set();

  constructor(bundle: string) {
    this.#bundle = bundle;
  }

  /**
   * A mutant whose process gives no answer is played again by a fresh one. A process keeps each copy of the tests that it has loaded, and
   * dies when its memory is full of them, which says nothing of the mutant.
   */
  async play(mutant: string): Promise<Outcome> {
    return (await this.#playOnce(mutant)) ?? (await this.#playOnce(mutant)) ?? 'timeout';
  }

  async #playOnce(mutant: string): Promise<Outcome | undefined> {
    const verdict = await ask(await this.#child(), { mutant }, timeoutMs);
    if (verdict && verdict.is !== 'ready') return verdict.is;
    this.stop();
    return undefined;
  }

  async prepare(): Promise<void> {
    await this.#child();
  }

  stop(): void {
    this.#process?.kill('SIGKILL');
    this.#process = undefined;
  }

  async #child(): Promise<ChildProcess> {
    if (this.#process) return this.#process;
    const child = fork(resolve('test/mutation/worker.ts'), {
      execArgv: ['--import', 'tsx', '--max-old-space-size=2000'],
      env: { ...process.env, NODE_NO_WARNINGS: '1' },
    });
    const ready = await ask(child, { bundle: this.#bundle }, 600_000);
    if (ready?.is !== 'ready') throw new Error('The tests do not pass without a mutant');
    this.covered = new Set(ready.covered);
    this.#process = child;
    return child;
  }
}

/** @returns undefined when there is no answer in time */
async function ask(child: ChildProcess, task: Task, ms: number): Promise<Verdict | undefined> {
  const noMore = new AbortController();
  const timer = setTimeout(() => noMore.abort(), ms);
  const onExit = () => noMore.abort();
  child.once('exit', onExit);
  child.send(task);
  const answer = await once(child, 'message', { signal: noMore.signal }).catch(() => []);
  clearTimeout(timer);
  child.off('exit', onExit);
  return answer[0] as Verdict | undefined;
}

async function judge(name: keyof typeof TARGETS): Promise<readonly Judged[]> {
  const { sources, tests } = TARGETS[name];
  const files = filesIn(sources).filter((file) => new RegExp(values.only).test(file));
  const { bundle, mutants } = await bundleOf(files, filesIn(tests, '.test.ts'), name);
  const player = new Player(bundle);
  await player.prepare();
  const played = mutants.filter(({ status }) => status !== 'Ignored');
  const judged: Judged[] = [];
  for (const mutant of played) {
    const outcome = player.covered.has(mutant.id) ? await player.play(mutant.id) : 'not covered';
    judged.push({ mutant, outcome });
    if (outcome !== 'killed') show(mutant, outcome);
  }
  player.stop();
  return judged;
}

function show({ fileName, location: { start }, mutatorName, replacement }: Mutant, outcome: Outcome): void {
  const line = readFileSync(fileName, 'utf8').split('\n')[start.line];
  const place = `${relative('.', fileName)}:${start.line + 1}:${start.column + 1}`;
  console.log(
    `${outcome}: ${place} ${mutatorName}\n  ${line?.trim()}\n  → ${replacement.replaceAll(/\s+/g, ' ').slice(0, 160)}`,
  );
}

function summarize(name: string, judged: readonly Judged[]): void {
  const files = [...new Set(judged.map(({ mutant }) => mutant.fileName))];
  const rows = [
    ...files.map(
      (file) => [relative('.', file), judged.filter(({ mutant }) => mutant.fileName === file)] as const,
    ),
    [`all of ${name}`, judged] as const,
  ];
  console.log(`\n| ${name} | mutants | noticed | score |\n|---|---|---|---|`);
  for (const [file, all] of rows) {
    const noticed = all.filter(({ outcome }) => outcome === 'killed' || outcome === 'timeout').length;
    console.log(`| ${file} | ${all.length} | ${noticed} | ${((100 * noticed) / all.length).toFixed(1)} % |`);
  }
}

const names = positionals.length > 0 ? positionals : Object.keys(TARGETS);
for (const name of names) summarize(name, await judge(name as keyof typeof TARGETS));
