import { createServer } from 'node:http';
import { type Db, MongoClient } from 'mongodb';
import { createGraphQLRerunner } from '../../../plugin/graphql/rerunner/rerunner.ts';
import {
  createDashboard,
  type DashboardOptions,
  type Operator,
  toNodeHandler,
} from '../../../server/admin/index.ts';
import { createIdempotency, type Policy } from '../../../server/index.ts';
import { createMongoStore } from '../../../server/mongodb/index.ts';
import { freshDatabase } from '../../support/database.ts';
import { type Gate, gate } from '../../support/gate.ts';
import { listen } from '../../support/listen.ts';
import { type Charge, createShop } from './shop.ts';

export const COLLECTION = 'idempotency_keys';

/** By the session cookie's value, as a host's own session would tell. */
const OPERATORS: Readonly<Record<string, Operator>> = {
  ada: { id: 'ada@shop.example', role: 'admin' },
  olga: { id: 'olga@shop.example', role: 'operator' },
  oscar: { id: 'oscar@shop.example', role: 'operator' },
  vic: { id: 'vic@shop.example', role: 'viewer' },
  scott: { id: 'scott@shop.example', role: 'operator', scopes: ['acme'] },
};

export interface Sent extends Partial<Charge> {
  readonly key: string;
  readonly scope?: string;
  readonly via?: 'graphql' | 'trpc';
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Held {
  readonly started: Gate;
  readonly end: Gate;
  readonly answer: Promise<Answer>;
}

export interface Office extends AsyncDisposable {
  readonly db: Db;
  /** Of the dashboard: `office.at('/keys')`. */
  at(path: string): string;
  /** A keyed charge over HTTP, by a client of the shop. Resolves with the status and the body of its answer. */
  send(sent: Sent): Promise<Answer>;
  /** A charge that is at work until {@link finish}. */
  hold(sent: Sent): Promise<void>;
  /** Lets a held charge go on. Resolves with its answer. */
  finish(key: string): Promise<Answer>;
  /** A charge whose worker lost its database for good: its lease lapses after a second. */
  abandon(sent: Sent): Promise<void>;
  idOf(key: string): Promise<string>;
  /** How often the effect of a key happened. */
  runs(key: string): number;
}

export interface OfficeOptions extends Partial<Pick<DashboardOptions, 'readOnly' | 'traceUrl' | 'probes'>> {
  readonly basePath?: string;
  readonly policy?: Policy;
  /** Of the database's server, when it is not the one that all tests share. */
  readonly uri?: string;
}

/** A shop and the dashboard of its keys on one real server, with a real MongoDB behind. */
export async function openOffice({
  basePath = '/',
  policy,
  uri,
  ...options
}: OfficeOptions = {}): Promise<Office> {
  const database = await freshDatabase({ monitorCommands: true }, uri);
  const { db } = database;
  const counts = new Map<string, number>();
  const held = new Map<string, Held>();

  const idempotency = createIdempotency({
    ...policy,
    store: createMongoStore({ db, collection: COLLECTION }),
  });
  const shop = createShop(idempotency, {
    begin(key) {
      const times = (counts.get(key) ?? 0) + 1;
      counts.set(key, times);
      return times;
    },
    async held(key) {
      held.get(key)?.started.open();
      await held.get(key)?.end;
    },
  });
  const dashboard = toNodeHandler(
    createDashboard({
      idempotency,
      basePath,
      rerunners: [
        createGraphQLRerunner({
          yoga: shop.graphql,
          actAs: ({ scope }) => ({
            scope,
            label: `the customer ${scope}`,
            headers: { 'x-customer': encodeURIComponent(scope) },
          }),
        }),
      ],
      authorize: (request) => OPERATORS[cookieOf(request, 'session')] ?? null,
      ...options,
    }),
  );
  const server = createServer((request, response) => {
    if (request.url?.startsWith('/trpc/')) return shop.trpc(request, response);
    if (request.url === '/graphql') return shop.graphql(request, response);
    return dashboard(request, response);
  });
  const { url: origin } = await listen(server);
  const mount = basePath.replace(/\/$/, '');

  async function hold(sent: Sent): Promise<void> {
    const started = gate();
    const answer = sendTo(origin, { ...sent, fate: 'held' });
    answer.catch(() => {}); // of one that nobody finishes
    held.set(sent.key, { started, end: gate(), answer });
    await started;
  }

  async function finish(key: string): Promise<Answer> {
    const charge = held.get(key);
    if (!charge) throw new Error(`No charge with the key ${key} is held`);
    charge.end.open();
    return charge.answer;
  }

  return {
    db,
    at: (path) => `${origin}${mount}${path}`,
    send: (sent) => sendTo(origin, sent),
    hold,
    finish,
    abandon: (sent) => abandon(database.uri, db.databaseName, sent),
    async idOf(key) {
      const found = await db.collection(COLLECTION).findOne({ key });
      if (!found) throw new Error(`No record has the key ${key}`);
      return found._id.toHexString();
    },
    runs: (key) => counts.get(key) ?? 0,
    async [Symbol.asyncDispose]() {
      for (const { end } of held.values()) end.open();
      server.closeAllConnections();
      server.close();
      await idempotency.close({ timeoutMs: 1_000 });
      await database[Symbol.asyncDispose]();
    },
  };
}

async function sendTo(
  origin: string,
  { key, scope = 'acme', via = 'graphql', ...charge }: Sent,
): Promise<Answer> {
  const input = { ...CHARGED, ...charge };
  const headers = { 'content-type': 'application/json', 'x-customer': encodeURIComponent(scope) };
  const response = await (via === 'graphql'
    ? fetch(`${origin}/graphql`, {
        method: 'POST',
        headers,
        body: JSON.stringify({ query: CHARGE, variables: input, extensions: { idempotencyKey: key } }),
      })
    : fetch(`${origin}/trpc/refunds.create`, {
        method: 'POST',
        headers: { ...headers, 'x-key': encodeURIComponent(key) },
        body: JSON.stringify(input),
      }));
  return { status: response.status, body: await response.text() };
}

const CHARGED = { customer: 'cus_7', amount: 1999, fate: 'paid' };

const CHARGE = `mutation Charge($customer: String!, $amount: Int!, $fate: String!, $note: JSON) {
  chargeCard(customer: $customer, amount: $amount, fate: $fate, note: $note) { id customer amount note }
}`;

/** A worker of its own, whose connection is closed while it is at work: nobody renews its lease. */
async function abandon(uri: string, database: string, { key, scope = 'acme' }: Sent): Promise<void> {
  const client = new MongoClient(uri);
  const store = createMongoStore({ db: client.db(database), collection: COLLECTION, timeoutMs: 500 });
  const idempotency = createIdempotency({ store, leaseMs: 1_000 });
  const started = gate();
  const shop = createShop(idempotency, {
    begin: () => 1,
    async held() {
      started.open();
      await client.close(true);
      await new Promise(() => {}); // it never comes back
    },
  });
  const server = createServer(shop.graphql as Parameters<typeof createServer>[1]);
  const { url: origin } = await listen(server);
  void sendTo(origin, { key, scope, fate: 'held' }).catch(() => {});
  await started;
  server.unref();
  server.close();
  void idempotency.close({ timeoutMs: 0 }).catch(() => {});
}

function cookieOf(request: Request, name: string): string {
  const pairs = (request.headers.get('cookie') ?? '').split(';').map((pair) => pair.trim().split('='));
  return pairs.find(([given]) => given === name)?.[1] ?? '';
}
