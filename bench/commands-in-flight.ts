import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Db, MongoClient } from 'mongodb';
import type { ClaimRequest } from '../server/engine/decide.ts';
import { fingerprintOf } from '../server/engine/fingerprint.ts';
import type { StoreCommand } from '../server/engine/store-command.ts';
import { CommandObservers } from '../server/mongodb/command-observers.ts';
import { Collection } from '../server/mongodb/database.ts';
import { createMongoStore } from '../server/mongodb/index.ts';
import { createWrites, type Write } from '../server/mongodb/pipelines/statements.ts';
import type { LaneOptions } from '../server/mongodb/writes/write-lane.ts';
import { WriteLane } from '../server/mongodb/writes/write-lane.ts';
import { startMongod } from '../test/support/mongod/start-mongod.ts';
import { startWorker } from '../test/support/worker.ts';
import { median } from './measure/median.ts';
import { markdownTable, type Row } from './report/table.ts';

// This bench shows what the rule of `server/mongodb/writes/load.ts` gains over two commands that always go: fresh runs whose handlers take up to 10 ms each,
// so that their writes come at any time, on a server that is 0 to 20 ms away.

const HANDLER_MS = 10;
const RULES: Record<string, LaneOptions['pauseBeforeAnother']> = {
  'always two': ({ underWay, most }) => (underWay < most ? 0 : Number.POSITIVE_INFINITY),
  'by load': undefined,
};

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    delays: { type: 'string', default: '0,1,5,20' },
    callers: { type: 'string', default: '1,32,128' },
  },
});
const numbers = (text: string) => text.split(',').map(Number);

interface Lanes {
  readonly claims: WriteLane;
  readonly settlements: WriteLane;
  /** Commands and statements so far. */
  readonly sent: { commands: number; statements: number };
}

function openLanes(collection: Collection, pauseBeforeAnother: LaneOptions['pauseBeforeAnother']): Lanes {
  const observers = new CommandObservers();
  const sent = { commands: 0, statements: 0 };
  observers.add(({ size }: StoreCommand) => {
    sent.commands++;
    sent.statements += size;
  });
  const options = { inFlight: 2, capacity: Number.POSITIVE_INFINITY, timeoutMs: 5_000, observers };
  const lane = () =>
    new WriteLane(collection, { ...options, ...(pauseBeforeAnother && { pauseBeforeAnother }) });
  return { claims: lane(), settlements: lane(), sent };
}

const writes = createWrites();
const completion = {
  to: 'completed',
  outcome: 'success',
  retentionMs: 24 * 3_600_000,
  response: { format: 'bench/1', body: '{"data":{"order":{"id":"order","amount":5}}}', bytes: 45 },
} as const;

function requestOf(): ClaimRequest {
  return {
    ...{ scope: 'global', key: randomUUID(), operation: 'order', owner: randomUUID(), seed: Date.now() },
    ...{ fingerprints: [fingerprintOf('order', { amount: 5 })], leaseMs: 30_000, onCrash: 'in_doubt' },
    ...{ unresolvedRetentionMs: 24 * 3_600_000, resolves: false, transactional: false },
  };
}

async function run({ claims, settlements }: Lanes): Promise<void> {
  const send = (lane: WriteLane, write: Write) => lane.send(write, performance.now() + 5_000).answer;
  const request = requestOf();
  await send(claims, writes.fresh(request));
  await pause(Math.random() * HANDLER_MS);
  const held = { ...request, fence: request.seed, life: request.seed, attempts: 1 };
  await send(settlements, writes.settle(held, completion));
}

interface Figures {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly clientMicros: number;
  readonly mongodMicros: number;
  readonly perCommand: number;
}

/** @param db is asked for the server's CPU, not over the slow way */
async function during(db: Db, lanes: Lanes, callers: number, seconds: number): Promise<Figures> {
  const before = { mongod: await mongodMicros(db), ...lanes.sent };
  const cpu = process.cpuUsage();
  const from = performance.now();
  const until = from + seconds * 1_000;
  const times: number[] = [];
  const caller = async () => {
    while (performance.now() < until) {
      const began = performance.now();
      await run(lanes);
      times.push(performance.now() - began);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const elapsed = (performance.now() - from) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const runs = times.length;
  times.sort((one, other) => one - other);
  return {
    perSecond: runs / elapsed,
    p50: times[Math.floor(runs * 0.5)] ?? 0,
    p99: times[Math.floor(runs * 0.99)] ?? 0,
    clientMicros: (user + system) / runs,
    mongodMicros: ((await mongodMicros(db)) - before.mongod) / runs,
    perCommand: (lanes.sent.statements - before.statements) / (lanes.sent.commands - before.commands),
  };
}

/** CPU that the server's process has used, as it tells itself (on Linux). */
async function mongodMicros(db: Db): Promise<number> {
  const { extra_info: info } = await db.command({ serverStatus: 1 });
  return Number(info.user_time_us) + Number(info.system_time_us);
}

function rowOf(delay: number, callers: number, name: string, figures: readonly Figures[]): Row {
  const of = (figure: keyof Figures, digits = 0) => median(figures.map((one) => one[figure])).toFixed(digits);
  return {
    ...{ 'ms away': delay, callers, commands: name, 'runs/s': of('perSecond') },
    ...{ 'p50 ms': of('p50', 1), 'p99 ms': of('p99', 1) },
    ...{ 'client µs': of('clientMicros'), 'mongod µs': of('mongodMicros') },
    'statements a command': of('perCommand', 1),
  };
}

const mongod = await startMongod();
const proxy = await startWorker(new URL('./slow-proxy.ts', import.meta.url), {
  args: [String(mongod.port)],
});
const port = await proxy.next<number>();
const far = await new MongoClient(`mongodb://127.0.0.1:${port}/?directConnection=true`).connect();
const near = await new MongoClient(mongod.uri).connect();
try {
  await createMongoStore({ db: near.db('latchkey_bench') }).ready();
  const collection = new Collection(far.db('latchkey_bench'), 'idempotency_keys');
  const lanes = Object.entries(RULES).map(([name, rule]) => ({ name, lanes: openLanes(collection, rule) }));
  for (const one of lanes) await during(near.db(), one.lanes, 32, 2);
  const report = markdownTable('Commands in flight');
  for (const delay of numbers(values.delays)) {
    proxy.send(delay);
    await proxy.next();
    for (const callers of numbers(values.callers)) {
      const rounds = [];
      for (let round = 0; round < Number(values.rounds); round++)
        for (const { name, lanes: used } of lanes)
          rounds.push({ name, figures: await during(near.db(), used, callers, Number(values.seconds)) });
      for (const { name } of lanes)
        report(
          rowOf(
            delay,
            callers,
            name,
            rounds.filter((round) => round.name === name).map(({ figures }) => figures),
          ),
        );
    }
  }
} finally {
  await Promise.all([far.close(), near.close()]);
  await proxy[Symbol.asyncDispose]();
  await mongod.stop();
}
