import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import express, { type Express, type Request, type RequestHandler, type Response as Res } from 'express';
import { MongoClient } from 'mongodb';
import { createIdempotencyHandler, toNodeHandler } from '../../plugin/http/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { DATABASE } from '../measure/database-name.ts';
import type { PeerId } from './peers.ts';

export interface PeerOptions {
  readonly peer: PeerId | 'bare' | 'latchkey';
  /** The folder that has the packages of the peers. */
  readonly folder: string;
  readonly mongoUri: string;
  readonly redisUrl: string;
}

const options = JSON.parse(process.argv[2] ?? '') as PeerOptions;
const require = createRequire(join(options.folder, 'package.json'));
/** A CommonJS module of the folder. */
const required = <Module>(name: string) => require(name) as Module;
/** An ES module of the folder. */
const load = async (name: string) => (await import(pathToFileURL(require.resolve(name)).href)) as unknown;

/** The operation that may run once. */
async function charge(amount: number) {
  await setImmediate();
  return { ok: true, charge: 'ch_1', amount };
}

const amountOf = (req: Request) => (req.body as { amount: number }).amount;

const SERVERS: Readonly<Record<PeerOptions['peer'], (app: Express) => Promise<void>>> = {
  async bare(app) {
    app.post('/charge', express.json(), async (req, res) => {
      res.status(201).json(await charge(amountOf(req)));
    });
  },

  async latchkey(app) {
    const client = await new MongoClient(options.mongoUri).connect();
    const idempotency = createIdempotency({ store: createMongoStore({ db: client.db(DATABASE) }) });
    await idempotency.ready();
    const idempotent = createIdempotencyHandler({ idempotency, scope: () => 'all' });
    const once = idempotent(async (request) => {
      const { amount } = (await request.json()) as { amount: number };
      return Response.json(await charge(amount), { status: 201 });
    });
    app.post('/charge', toNodeHandler(once));
  },

  async 'express-idempotency'(app) {
    const { MongoClient: Client } = required<{ MongoClient: typeof MongoClient }>('mongodb');
    const client = await new Client(options.mongoUri).connect();
    const db = client.db(`${DATABASE}_peer`);
    const { MongoAdapter } = required<MongoAdapterModule>(
      'express-idempotency-mongo-adapter/dist/adapter.js',
    );
    const dataAdapter = new MongoAdapter({ useDelegation: true, delegate: async () => db });
    await dataAdapter.init();
    const library = required<ExpressIdempotency>('express-idempotency');
    app.post('/charge', express.json(), library.idempotency({ dataAdapter }), async (req, res) => {
      if (library.getSharedIdempotencyService().isHit(req)) return;
      res.status(201).json(await charge(amountOf(req)));
    });
  },

  async powertools(app) {
    const { makeIdempotent, IdempotencyConfig } = (await load(
      '@aws-lambda-powertools/idempotency',
    )) as Powertools;
    const { CachePersistenceLayer } = (await load(
      '@aws-lambda-powertools/idempotency/cache',
    )) as PowertoolsCache;
    const { createClient } = (await load('@redis/client')) as RedisModule;
    const client = createClient({ url: options.redisUrl });
    await client.connect();
    const once = makeIdempotent((event: { body: { amount: number } }) => charge(event.body.amount), {
      persistenceStore: new CachePersistenceLayer({ client }),
      config: new IdempotencyConfig({ eventKeyJmesPath: 'key', throwOnNoIdempotencyKey: true }),
    });
    // Without such a context it takes a run that is under way for one that was given up.
    const context = { getRemainingTimeInMillis: () => 30_000 };
    app.post('/charge', express.json(), async (req: Request, res: Res) => {
      const event = { key: req.get('idempotency-key'), body: req.body as { amount: number } };
      res.status(201).json(await once(event, context));
    });
  },
};

interface MongoAdapterModule {
  readonly MongoAdapter: new (options: object) => { init(): Promise<void> };
}

interface ExpressIdempotency {
  idempotency(options: object): RequestHandler;
  getSharedIdempotencyService(): { isHit(req: Request): boolean };
}

interface Powertools {
  makeIdempotent<Event>(
    run: (event: Event) => Promise<object>,
    options: object,
  ): (event: Event, context: object) => Promise<object>;
  readonly IdempotencyConfig: new (options: object) => object;
}

interface PowertoolsCache {
  readonly CachePersistenceLayer: new (options: object) => object;
}

interface RedisModule {
  createClient(options: object): { connect(): Promise<unknown> };
}

const app = express();
app.disable('x-powered-by');
await SERVERS[options.peer](app);
const server = createServer(app);
server.listen(0, '127.0.0.1', () => {
  process.send?.('ready');
  process.send?.((server.address() as AddressInfo).port);
});
process.on('message', () => process.send?.(process.cpuUsage()));
