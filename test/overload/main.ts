import { randomUUID } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { MongoClient } from 'mongodb';
import { createIdempotency, type Idempotency, isIdempotencyError } from '../../server/index.ts';
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
/** Afterwards it takes turns with a store that has seen no overload, so many times, for so long each. */
const TURNS = 15;
const TURN_MS = 500;
/** A turn is slow when it carries less than this of what the other store did in its turn. */
const SLOW = 0.7;
/** So many slow turns are no chance: of two equal stores each is the slow one in half of the turns at most, whatever else the machine does. */
const SLOW_TURNS = 13;
const TICK_MS = 10;
/** While the process stands still, so much of the load waits for it, as in a server's accept queue. The rest never reaches it. */
const QUEUE_MS = 100;
/** Claims that wait (5,000) and runs that have begun may be so many together. The load would make many times as many, if nothing were refused. */
const MOST_OPEN = 20_000;
/** A result that could not be recorded at once is tried again: for so long it is waited for. */
const RECORDED_WITHIN_MS = 120_000;
/** What 5,000 waiting claims and as many runs may weigh, and what Node.js keeps for itself before it collects. */
const MOST_GROWTH_MB = 400;

await using mongod = await startMongod();
const tally = new Tally();

/** A store with a client of its own, as another process would have them. */
async function open() {
  const client = await new MongoClient(mongod.uri).connect();
  const idempotency = createIdempotency({
    store: createMongoStore({ db: client.db('overload') }),
    onEvent: (event) => tally.onEvent(event),
  });
  await idempotency.ready();
  return {
    idempotency,
    records: client.db('overload').collection('idempotency_keys'),
    async [Symbol.asyncDispose]() {
      await idempotency.close({ timeoutMs: RECORDED_WITHIN_MS });
      await client.close();
    },
  };
}

async function call(idempotency: Idempotency): Promise<void> {
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

/** Callers of whom each sends its next call when it has its answer: so many a second is what the process can carry. */
async function carried(idempotency: Idempotency, ms = MEASURED_MS): Promise<number> {
  const startedAt = performance.now();
  const before = tally.answered;
  const caller = async () => {
    while (performance.now() < startedAt + ms) await call(idempotency);
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return ((tally.answered - before) * 1_000) / (performance.now() - startedAt);
}

/**
 * Sends calls whether or not the earlier ones have been answered: so many a second, and at least so many times what is answered meanwhile, so
 * that a machine with other work to do is overloaded as much.
 */
async function overload(idempotency: Idempotency, perSecond: number): Promise<number> {
  const calls = new Set<Promise<void>>();
  const endsAt = performance.now() + seconds * 1_000;
  let due = 0;
  let sent = 0;
  for (let at = performance.now(); at < endsAt; ) {
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    const now = performance.now();
    due += (Math.min(now - at, QUEUE_MS) * perSecond) / 1_000;
    at = now;
    for (const most = Math.max(due, tally.answered * times); sent < most; sent++) {
      const work = call(idempotency).finally(() => calls.delete(work));
      calls.add(work);
    }
    tally.sample(calls.size);
  }
  await Promise.all(calls);
  return sent;
}

/** Compares a store with one that has seen no overload. They take turns, so that other work of the machine meets both. */
async function comparedWithFresh(idempotency: Idempotency) {
  await using fresh = await open();
  await carried(fresh.idempotency, TURN_MS); // opens its connections
  const rates = { used: [] as number[], fresh: [] as number[] };
  let slowTurns = 0;
  for (let turn = 0; turn < TURNS; turn++) {
    let used = 0;
    if (turn % 2 === 0) used = await carried(idempotency, TURN_MS);
    const other = await carried(fresh.idempotency, TURN_MS);
    if (turn % 2 === 1) used = await carried(idempotency, TURN_MS);
    if (used < other * SLOW) slowTurns++;
    rates.used.push(used);
    rates.fresh.push(other);
  }
  return { used: middleOf(rates.used), fresh: middleOf(rates.fresh), slowTurns };
}

const middleOf = (rates: number[]) =>
  Math.round(rates.sort((one, other) => one - other)[(TURNS - 1) / 2] ?? 0);

async function allRecorded(): Promise<void> {
  const until = performance.now() + RECORDED_WITHIN_MS;
  while (tally.completed < tally.started && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, TICK_MS));
}

let running: number;
let sent: number;
let before: number;
let after: Awaited<ReturnType<typeof comparedWithFresh>>;
let report: ReturnType<Tally['end']>;
{
  await using opened = await open();
  const { idempotency, records } = opened;
  await carried(idempotency); // warms up
  before = await carried(idempotency);
  tally.begin();
  sent = await overload(idempotency, before * times);
  await allRecorded();
  report = tally.end();
  after = await comparedWithFresh(idempotency);
  running = await records.countDocuments({ state: { $in: ['running', 'in_doubt'] } });
}

const ms = (value: number) => `${Math.round(value)} ms`;
const refusedEarly = report.outcomes.find(({ name }) => name === 'overloaded')?.calls ?? 0;
console.log(
  `A process that carried ${Math.round(before)} fresh keys a second was sent ${sent} in ${seconds} s, and answered ${report.answered}.\n`,
);
console.log('| outcome | calls | half of them within | 99 of 100 within |\n|---|---|---|---|');
for (const { name, calls, p50, p99 } of report.outcomes)
  console.log(`| ${name} | ${calls} | ${ms(p50)} | ${ms(p99)} |`);
console.log(
  `\nHandlers that began: ${report.started}; of these recorded: ${report.completed}. Records left without an outcome: ${running}.\n` +
    `Most calls open at once: ${report.mostOpen}. Memory (RSS): ${report.rssBefore} MB before, at most ${report.rssMost} MB.\n` +
    `Afterwards it carries ${after.used} a second, and a store that has seen no overload ${after.fresh}; it was the slow one in ${after.slowTurns} of ${TURNS} turns.`,
);
if (refusedEarly === 0) console.log('So few calls were open that none had to be refused as overloaded.');

const faults = [
  report.started !== report.completed && 'a handler began whose result was not recorded',
  running > 0 && 'records are left without an outcome',
  report.rssMost - report.rssBefore > MOST_GROWTH_MB && `memory grew by more than ${MOST_GROWTH_MB} MB`,
  report.mostOpen > MOST_OPEN && `more than ${MOST_OPEN} calls were open, and not refused`,
  after.slowTurns >= SLOW_TURNS && 'it did not recover',
].filter((fault) => fault !== false);
for (const fault of faults) console.error(`Fault: ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;
