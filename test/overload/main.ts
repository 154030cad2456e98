import { randomUUID } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { MongoClient } from 'mongodb';
import { createIdempotency, isIdempotencyError } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { startMongod } from '../support/mongod/start-mongod.ts';
import { Tally } from './tally.ts';

// `npm run overload` sends ten times the calls that a process can carry, for a minute, and fails where that leaves a trace.

const count = (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('Expected a count from 1 on.');
  return value;
};

const { seconds, times } = new Command('overload')
  .description('Sends many times the calls that one process can carry, and looks at what becomes of them')
  .option('--seconds <count>', 'for so long', count, 60)
  .option('--times <count>', 'so many times what it can carry', count, 10)
  .parse()
  .opts<{ seconds: number; times: number }>();

/** The rate that a process can carry is measured with so many callers, for so long. */
const CALLERS = 128;
const MEASURED_MS = 5_000;
const TICK_MS = 10;
/** While the process stands still, so much of the load waits for it, as in a server's accept queue. The rest never reaches it. */
const QUEUE_MS = 100;
/** A result that could not be recorded at once is tried again: for so long it is waited for. */
const RECORDED_WITHIN_MS = 120_000;
/** What 5,000 waiting claims and as many runs may weigh, and what Node.js keeps for itself before it collects. */
const MOST_GROWTH_MB = 400;

await using mongod = await startMongod();
await using client = await new MongoClient(mongod.uri).connect();
const db = client.db('overload');
const tally = new Tally();
const idempotency = createIdempotency({
  store: createMongoStore({ db }),
  onEvent: (event) => tally.onEvent(event),
});
await idempotency.ready();

async function call(): Promise<void> {
  const sentAt = performance.now();
  const ask = { scope: 's', key: randomUUID(), operation: 'pay' };
  try {
    await idempotency.run(ask, async () => {
      tally.started++;
      return 'paid';
    });
    tally.add('answered', performance.now() - sentAt);
  } catch (error) {
    if (!isIdempotencyError(error)) throw error;
    tally.add(error.reason ?? error.code, performance.now() - sentAt);
  }
}

/** Callers of whom each sends its next call when it has its answer: the rate is what the process can carry. */
async function carried(): Promise<number> {
  const until = performance.now() + MEASURED_MS;
  let answers = 0;
  const caller = async () => {
    for (; performance.now() < until; answers++) await call();
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return answers / (MEASURED_MS / 1_000);
}

/** Calls that come by the clock, whether or not the earlier ones have been answered. */
async function overload(perSecond: number): Promise<{ sent: number; lost: number }> {
  const calls = new Set<Promise<void>>();
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1_000;
  const most = Math.ceil((perSecond * QUEUE_MS) / 1_000);
  for (let [sent, lost] = [0, 0]; ; ) {
    const now = performance.now();
    const due = Math.floor((Math.min(now, endsAt) - startedAt) * (perSecond / 1_000)) - sent - lost;
    lost += Math.max(0, due - most);
    for (let left = Math.min(due, most); left > 0; left--, sent++) {
      const work = call().finally(() => calls.delete(work));
      calls.add(work);
    }
    tally.sample(calls.size);
    if (now >= endsAt) {
      await Promise.all(calls);
      return { sent, lost };
    }
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
  }
}

async function allRecorded(): Promise<void> {
  const until = performance.now() + RECORDED_WITHIN_MS;
  while (tally.completed < tally.started && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
}

await carried(); // warms up
const before = await carried();
tally.begin();
const { sent, lost } = await overload(before * times);
await allRecorded();
const report = tally.end();
const after = Math.max(await carried(), await carried());
await idempotency.close({ timeoutMs: RECORDED_WITHIN_MS });

const unresolved = { state: { $in: ['running', 'in_doubt'] } };
const running = await db.collection('idempotency_keys').countDocuments(unresolved);
const ms = (value: number) => `${Math.round(value)} ms`;
console.log(
  `A process that carries ${Math.round(before)} fresh keys a second was sent ${sent + lost} in ${seconds} s, of which ${sent} reached it.\n`,
);
console.log('| outcome | calls | half of them within | 99 of 100 within |\n|---|---|---|---|');
for (const { name, calls, p50, p99 } of report.outcomes)
  console.log(`| ${name} | ${calls} | ${ms(p50)} | ${ms(p99)} |`);
console.log(
  `\nHandlers that began: ${report.started}; of these recorded: ${report.completed}. Records left without an outcome: ${running}.\n` +
    `Most calls open at once: ${report.mostOpen}. Memory (RSS): ${report.rssBefore} MB before, at most ${report.rssMost} MB.\n` +
    `Afterwards it carries ${Math.round(after)} a second, ${(after / before).toFixed(2)} of what it did.`,
);

const faults = [
  report.started !== report.completed && 'a handler began whose result was not recorded',
  running > 0 && 'records are left without an outcome',
  report.rssMost - report.rssBefore > MOST_GROWTH_MB && `memory grew by more than ${MOST_GROWTH_MB} MB`,
  !report.outcomes.some(({ name }) => name === 'overloaded') && 'nothing was refused as overloaded',
  after < before / 2 && 'it did not recover',
].filter((fault) => fault !== false);
for (const fault of faults) console.error(`Fault: ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;
