import { type CrashPoint, pointName } from '../kit/crash-point.ts';
import type { Testkit } from '../kit/create-testkit.ts';
import type { Answer } from './answers.ts';
import { compare } from './key-trials.ts';
import type { Trial } from './trial.ts';

/** Crashes at each point of a run, after which two retries come when the lease has lapsed. */
export async function tryCrashes(trial: Trial): Promise<void> {
  const { kit, crash } = trial.options;
  if (trial.isRepeating) {
    trial.notTried('a crash', 'The effect happens again without one.');
  } else if (kit) {
    for (const point of await pointsOf(trial, kit)) {
      await tryCrash(trial, `a crash ${pointName(point)}`, async (work) => {
        await kit.crash(work, point);
        await lapse(kit);
      });
    }
  } else if (crash) {
    await tryCrash(trial, 'a crash', crash);
  } else {
    trial.notTried(
      'a crash',
      'Run the application on a testkit and give the audit the `kit`, or give it a `crash`.',
    );
  }
}

async function tryCrash(
  trial: Trial,
  name: string,
  crash: (work: () => Promise<unknown>) => Promise<unknown>,
): Promise<void> {
  const key = trial.newKey();
  const answers: Answer[] = [];
  const effects = await trial.effectsOf(async () => {
    await crash(() => trial.send(key));
    for (let retry = 1; retry <= 2; retry++) answers.push(await trial.send(key));
  });
  const seen = { trial: name, effects, answers };
  if (effects > trial.unit) trial.found('crash_runs_again', seen);
  compare(trial, { ...seen, answers: answers.filter((answer) => !trial.isRefusal(answer)) });
}

/** Lists the points of a run: its start, its steps, its end, its answer. One run shows which steps there are. */
async function pointsOf(trial: Trial, kit: Testkit): Promise<CrashPoint[]> {
  const before = new Set(kit.records().map(({ key }) => key));
  await trial.send(trial.newKey());
  const steps = kit.records().flatMap((record) => (before.has(record.key) ? [] : record.steps));
  return [
    { at: 'start' },
    ...steps.flatMap((name): CrashPoint[] => [{ during: name }, { after: name }]),
    { at: 'end' },
    { at: 'answer' },
  ];
}

/** Lets the leases of all runs lapse whose process has died. */
async function lapse(kit: Testkit): Promise<void> {
  const ends = kit
    .records()
    .flatMap(({ state, leaseExpiresAt }) =>
      state === 'running' && leaseExpiresAt ? [leaseExpiresAt.getTime()] : [],
    );
  await kit.advance(Math.max(0, ...ends.map((end) => end - kit.now().getTime() + 1)));
}
