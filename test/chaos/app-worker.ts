import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Db, MongoClient } from 'mongodb';
import { z } from 'zod';
import { idempotencyDirectives } from '../../plugin/graphql/index.ts';
import { createIdempotency, type Doubt, type Policy, type Run, requireRun } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { startThreeApis } from '../support/three-apis.ts';
import { now } from './clock.ts';
import { type Plan, SHOPS, type Shop } from './order.ts';
import { receiptText } from './receipt.ts';

export interface AppOptions {
  readonly uri: string;
  readonly database: string;
  readonly provider: string;
  /** By the port of each member as the set knows it: that of this app's own link to it. */
  readonly links: Readonly<Record<number, number>>;
  readonly policy: { readonly leaseMs: number; readonly unresolvedRetentionMs?: number };
}

/** What an app process tells of itself. */
export type AppMessage =
  | { readonly urls: Readonly<Record<Shop, string>> }
  | {
      readonly told: string;
      readonly at: number;
      readonly scope: string;
      readonly key: string;
      readonly fence?: number;
      readonly reason?: string;
    }
  /** The handler was entered for an attempt of a client. */
  | { readonly ran: string; readonly key: string; readonly fence: number }
  /** The process did not get to run in between. */
  | { readonly stalled: number; readonly until: number };

const STALL_MS = 250;
const { uri, database, provider, links, policy } = JSON.parse(process.argv[2] ?? '') as AppOptions;
const tell = (message: AppMessage) => void (process.connected && process.send?.(message));

// The driver finds the members by the addresses that the set knows; this app reaches each by a link of its own, which can be cut.
const { createConnection } = net;
net.createConnection = ((options: net.TcpNetConnectOpts, ...others: []) =>
  createConnection(
    { ...options, port: links[options.port] ?? options.port },
    ...others,
  )) as typeof createConnection;

const client = new MongoClient(uri, { serverSelectionTimeoutMS: 5_000 });
const db = client.db(database);
const idempotency = createIdempotency({
  store: createMongoStore({ db }),
  waitTimeoutMs: 4_000,
  ...policy,
  onEvent(event) {
    const { type, scope, key } = event;
    tell({
      ...{ told: type, at: now(), scope, key },
      ...('fence' in event && { fence: event.fence }),
      ...('reason' in event && event.reason !== undefined && { reason: event.reason }),
    });
  },
});

const POLICIES: Readonly<Record<Shop, Policy>> = {
  plain: {},
  rerun: { onCrash: 'retry' },
  steps: { onCrash: 'retry' },
  transaction: { transaction: true },
  resolver: { resolve: (doubt) => resolve(doubt) },
};

async function pay(shop: Shop, amount: number, plan: Plan) {
  const run = requireRun();
  const { scope, key, fence } = run;
  tell({ ran: plan.attempt, key, fence });
  await sleep(plan.workMs * plan.effectAfter);
  if (plan.releases) {
    run.release('nothing happened');
    throw new Error('declined');
  }
  const id = await charge(shop, run, receiptText({ scope, key, amount, fence }));
  await sleep(plan.workMs * (1 - plan.effectAfter));
  return { id, amount };
}

/** Charges as the docs ask for: not without the lease, and with a downstream key where the shop has one. */
async function charge(shop: Shop, run: Run, receipt: string): Promise<string> {
  if (shop === 'steps')
    return run.step('charge', ({ key, signal }) => {
      signal.throwIfAborted();
      return askProvider(run, { receipt, key });
    });
  run.signal.throwIfAborted();
  if (shop === 'transaction') return book(db, run, receipt);
  return askProvider(run, { receipt, ...(shop === 'resolver' && { key: run.downstreamKey('charge') }) });
}

async function askProvider(run: Run, charge: { receipt: string; key?: string }): Promise<string> {
  const at = now();
  try {
    return await post({ ...charge, at, by: process.pid });
  } catch (error) {
    run.inDoubt('the provider did not answer');
    throw error;
  }
}

/** In each API the data is what the handler would have returned. */
async function resolve({ downstreamKey }: Doubt) {
  const id = await post({ key: downstreamKey('charge') });
  if (id === '') return { action: 'retry' as const };
  return { action: 'complete' as const, data: { id, amount: Number(id.split(':')[3]) } };
}

async function post(body: object): Promise<string> {
  const response = await fetch(provider, { method: 'POST', body: JSON.stringify(body) });
  return response.text();
}

/** A row of the ledger, and a balance that other transactions want, too. */
async function book(db: Db, { session, scope, key, fence }: Run, receipt: string): Promise<string> {
  const inRun = { session: session as never };
  await db.collection('ledger').insertOne({ receipt, scope, key, fence, at: now(), by: process.pid }, inRun);
  const account = { _id: fence % 4 };
  await db.collection<{ _id: number }>('accounts').updateOne(account, { $inc: { bookings: 1 } }, inRun);
  return receipt;
}

const apps = SHOPS.map(async (shop) => {
  const { url } = await startThreeApis({
    idempotency,
    policy: POLICIES[shop],
    typeDefs: `
      ${idempotencyDirectives}
      type Receipt { id: ID! amount: Int! }
      type Mutation { pay(amount: Int!): Receipt }
    `,
    input: z.object({ amount: z.number().int() }),
    decide(header) {
      const { retentionMs }: Plan = JSON.parse(header('x-mode') ?? '{}');
      return retentionMs === undefined ? {} : { retentionMs };
    },
    mutations: { pay: ({ amount }, mode) => pay(shop, amount, JSON.parse(mode ?? '{}')) },
  });
  return [shop, url] as const;
});

let lookedAt = now();
setInterval(() => {
  const at = now();
  if (at - lookedAt > STALL_MS) tell({ stalled: lookedAt, until: at });
  lookedAt = at;
}, 50);

process.on('disconnect', () => process.exit());
process.send?.('ready');
tell({ urls: Object.fromEntries(await Promise.all(apps)) as Record<Shop, string> });
