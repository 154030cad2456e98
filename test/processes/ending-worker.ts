import { MongoClient } from 'mongodb';
import { useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotencyHandler } from '../../plugin/http/index.ts';
import { createDashboard } from '../../server/admin/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import '../../plugin/key/index.ts';
import '../../plugin/client/trpc.ts';
import '../../plugin/trpc/index.ts';
import '../../server/memory/index.ts';

export interface Life {
  readonly uri: string;
  readonly database: string;
  /** What it does, in this order; those of an inner list at once. */
  readonly does: readonly (Deed | readonly Deed[])[];
}

export type Deed = 'create' | 'ready' | 'call' | 'wait' | 'close' | 'close the client';

/** A process that does what it is told, and then has no reason to go on. */
const { uri, database, does } = JSON.parse(process.argv[2] ?? '') as Life;

const client = new MongoClient(uri);
let made: ReturnType<typeof create> | undefined;

function create() {
  const store = createMongoStore({ db: client.db(database), timeoutMs: 1_000 });
  const idempotency = createIdempotency({ store });
  const options = { idempotency, scope: () => 'ada' };
  useIdempotency(options);
  const dashboard = createDashboard({ idempotency, basePath: '/keys', authorize: () => null });
  let started = () => {};
  let close = () => {};
  const running = new Promise<void>((resolve) => {
    started = resolve;
  });
  const closing = new Promise<void>((resolve) => {
    close = resolve;
  });
  const pay = createIdempotencyHandler(options)(async (request) => {
    started();
    if ((await request.text()) === 'hold') await closing;
    return new Response('paid');
  });
  return { idempotency, dashboard, pay, running, close };
}

async function request(key: string, body = '') {
  made ??= create();
  const headers = { 'idempotency-key': key };
  return made.pay(new Request('http://shop.example/pay', { method: 'POST', headers, body }));
}

const DEEDS: Record<Deed, () => unknown> = {
  create: () => {
    made = create();
  },
  ready: () => made?.idempotency.ready().catch(() => {}),
  call: () => request('k'),
  wait: async () => {
    void request('held', 'hold');
    await made?.running;
    void request('held', 'hold');
  },
  close: async () => {
    await made?.dashboard.close();
    const closed = made?.idempotency.close({ timeoutMs: 2_000 });
    made?.close();
    await closed;
  },
  'close the client': () => client.close(),
};

for (const deed of does) {
  const deeds = Array.isArray(deed) ? deed : [deed];
  await Promise.all(deeds.map((one: Deed) => DEEDS[one]()));
}

// What else would keep it: timers that are not unref'd.
console.log(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length);
