import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startApp } from './measure/app.ts';
import { APIS, DIFFERENT, FRESH } from './measure/http-variant.ts';
import { startCallers } from './measure/load.ts';
import type { Resources } from './measure/resources.ts';
import { atLeast } from './number-option.ts';
import type { Part } from './parts/part.ts';
import { RESULTS } from './report/result.ts';
import { runPart } from './report/run-part.ts';
import { type Growth, growthOf } from './soak/growth.ts';

/** This bench shows whether a server that runs for long grows: `npm run bench:soak -- --minutes 30`. Its keys expire after a minute. */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    'per-second': { type: 'string', default: '300' },
    out: { type: 'string', default: RESULTS },
  },
});
const minutes = atLeast(0.5, '--minutes', values.minutes);
const perSecond = atLeast(10, '--per-second', values['per-second']);

const RETENTION_MS = 60_000;
const SAMPLES = 60;
const CONNECTIONS = 20;
/** Until the connections of the callers are gone. */
const SETTLE_MS = 500;
/** Until then, there are more keys with each minute: the first ones have not expired yet. */
const KEYS_TELL_AFTER_MINUTES = 10;

type Sample = Resources & { readonly keys: number };

/** Each figure may differ by so much, beside a tenth of it. */
const SLACK: Readonly<Record<keyof Sample, number>> = {
  rssMb: 15,
  heapMb: 3,
  timers: 5,
  listeners: 2,
  handles: 5,
  keys: 5 * perSecond,
};

const soak: Part = async ({ machine, database }) => {
  await using callers = await startCallers(machine);
  await using app = await startApp(machine, { uri: database.uri, keyed: true, retentionMs: RETENTION_MS });
  const seconds = Math.max(2, (minutes * 60) / SAMPLES);
  const samples: Sample[] = [];
  const until = performance.now() + minutes * 60_000;
  let calls = 0;
  while (performance.now() < until) {
    const load = { url: app.url, ...APIS.Yoga, callers: CONNECTIONS, perSecond };
    const fresh = await callers.send({ ...load, seconds: (seconds * 2) / 3, keys: FRESH });
    const replays = await callers.send({ ...load, seconds: seconds / 3, keys: DIFFERENT });
    calls += fresh.answered + replays.answered;
    await setTimeout(SETTLE_MS);
    const keys = await database.db.collection('idempotency_keys').estimatedDocumentCount();
    samples.push({ ...(await app.ask<Resources>('resources')), keys });
    console.error(lineOf(samples.at(-1) as Sample, until));
  }
  const judged = Object.entries(SLACK).flatMap(([what, slack]) =>
    what === 'keys' && minutes < KEYS_TELL_AFTER_MINUTES
      ? []
      : [
          growthOf(
            what,
            samples.map((sample) => sample[what as keyof Sample]),
            slack,
          ),
        ],
  );
  const grew = judged.filter((one) => one.grew);
  console.log(grew.length === 0 ? '\nflat' : `\ngrew: ${grew.map(({ what }) => what).join(', ')}`);
  const title = `${minutes} minutes, ${calls.toLocaleString('en-US')} calls, keys expire after a minute`;
  return [{ name: 'soak', title, rows: judged.map(rowOf) }];
};

const rowOf = ({ what, first, last, grew }: Growth) => ({
  what,
  'first third': Math.round(first),
  'last third': Math.round(last),
  '': grew ? 'grew' : 'flat',
});

function lineOf(sample: Sample, until: number): string {
  const left = Math.max(0, Math.round((until - performance.now()) / 60_000));
  const figures = Object.entries(sample).map(([what, value]) => `${what} ${Math.round(value)}`);
  return `${figures.join(', ')}; ${left} minutes left`;
}

await runPart('soak', soak, {
  rounds: { warmUpSeconds: 0, seconds: minutes * 60, rounds: 1 },
  keys: 0,
  out: values.out,
  database: { parameters: { ttlMonitorSleepSecs: 5 } },
});
