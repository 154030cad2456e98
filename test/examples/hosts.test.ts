import { once } from 'node:events';
import { request as openRequest } from 'node:http';
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { refusal } from '../../server/engine/errors.ts';
import type { Store } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { freshDatabase } from '../support/database.ts';
import { type Gate, gate } from '../support/gate.ts';

// Each file in examples/hosts/ is started as it is. These have a tsconfig.json of their own, so they are imported by a name that is
// made here.
const example = (name: string): Promise<Example> => import(`../../examples/hosts/${name}.ts`);

interface Charge {
  readonly id: string;
  readonly amount: number;
}

interface Host {
  readonly url: string;
  close(): Promise<void>;
}

/** An `Example` is what a file of examples/hosts/ exports, and host.ts among them. */
interface Example {
  start(options: { store: Store }): Promise<Host>;
  readonly provider: { charge(amount: number): Promise<Charge> };
}

interface Api {
  body(amount: number): object;
  charge(answer: Answered): Charge | undefined;
}

const GRAPHQL: Api = {
  body: (amount) => ({
    query: 'mutation ($amount: Int!) { charge(amount: $amount) { id amount } }',
    variables: { amount },
  }),
  charge: ({ json }) => json.data?.charge,
};
const TRPC: Api = {
  body: (amount) => ({ amount }),
  charge: ({ json }) => json.result?.data,
};
const HTTP: Api = {
  body: (amount) => ({ amount }),
  charge: ({ status, json }) => (status === 201 ? (json as unknown as Charge) : undefined),
};

/** Each row is a file of examples/hosts/, and where it takes requests below its `url`. */
const HOSTS: readonly (readonly [file: string, path: string, api: Api])[] = [
  ['yoga-node', '', GRAPHQL],
  ['yoga-express', '', GRAPHQL],
  ['yoga-fastify', '', GRAPHQL],
  ['envelop-fastify', '', GRAPHQL],
  ['apollo-server', '', GRAPHQL],
  ['mercurius', '', GRAPHQL],
  ['nest-yoga', '', GRAPHQL],
  ['trpc-standalone', '/charge', TRPC],
  ['trpc-express', '/charge', TRPC],
  ['trpc-fastify', '/charge', TRPC],
  ['trpc-lambda', '/charge', TRPC],
  ['http-express', '', HTTP],
  ['http-fastify', '', HTTP],
  ['http-koa', '', HTTP],
  ['http-hono', '', HTTP],
  ['http-hono-middleware', '', HTTP],
  ['nest-http', '', HTTP],
  ['next', '/graphql', GRAPHQL],
  ['next', '/trpc/charge', TRPC],
  ['next', '/payments', HTTP],
];

interface Body {
  readonly data?: { readonly charge: Charge };
  readonly result?: { readonly data: Charge };
  readonly extensions?: { readonly idempotency?: { readonly replayed?: unknown } };
}

interface Answered {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly text: string;
  readonly json: Body;
  readonly replayed: boolean;
  /** Tells whether a header says that it is a replay. */
  readonly isMarked: boolean;
  readonly expires: string | null;
}

async function send(
  url: string,
  key: string | undefined,
  body: object,
  login: Record<string, string> = { 'x-user': 'ada' },
): Promise<Answered> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...login,
      ...(key !== undefined && { 'idempotency-key': key }),
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  const json: Body = text.startsWith('{') ? JSON.parse(text) : {};
  const isMarked = response.headers.get('idempotent-replayed') === 'true';
  return {
    status: response.status,
    retryAfter: response.headers.get('retry-after'),
    text,
    json,
    replayed: isMarked || json.extensions?.idempotency?.replayed === true,
    isMarked,
    expires: response.headers.get('idempotency-expires'),
  };
}

/** Leaves out stack traces, which development shows: they differ from run to run. */
function withoutMark({ json: { extensions: _, ...json } }: Answered) {
  return JSON.parse(JSON.stringify(json, (name, value) => (/^stack/.test(name) ? undefined : value)));
}

/** Sends a request, and cuts its connection once `happened` has resolved. */
async function sendAndHangUp(url: string, key: string, body: object, happened: Promise<unknown>) {
  const outgoing = openRequest(url, {
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', 'x-user': 'ada', 'idempotency-key': key },
  });
  const closed = once(outgoing, 'close').catch(() => {}); // the error is that it was cut
  outgoing.on('error', () => {});
  outgoing.end(JSON.stringify(body));
  await happened;
  outgoing.destroy();
  await closed;
}

const database = await freshDatabase();
const hosts = new Map<string, Host>();
let isDown = false;
let charges: Charge[] = [];
let onCharge: (() => Promise<void>) | undefined;

afterAll(async () => {
  for (const host of hosts.values()) await host.close();
  await database[Symbol.asyncDispose]();
});

/** Tells where the host in a file takes requests. It is started once. */
async function urlOf(file: string): Promise<string> {
  let host = hosts.get(file);
  if (!host) {
    const { start } = await example(file);
    host = await start({ store: storeIn(`keys_${hosts.size}`) });
    hosts.set(file, host);
  }
  return host.url;
}

/** Makes a store in MongoDB, which is away while `isDown` is true. */
function storeIn(collection: string): Store {
  return new Proxy<Store>(createMongoStore({ db: database.db, collection }), {
    get(target, method) {
      const value: unknown = Reflect.get(target, method);
      if (typeof value !== 'function') return value;
      if (isDown && method === 'claim')
        return () => Promise.reject(refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'timeout'));
      return value.bind(target);
    },
  });
}

/** Has the provider of the examples charge as it does, and writes each charge down. */
async function watchProvider() {
  vi.spyOn(process, 'emitWarning').mockImplementation(() => {}); // each outage is one
  charges = [];
  onCharge = undefined;
  const { provider } = await example('host');
  const charge = provider.charge.bind(provider);
  vi.spyOn(provider, 'charge').mockImplementation(async (amount) => {
    const made = await charge(amount);
    charges.push(made);
    await onCharge?.();
    return made;
  });
  return () => void vi.restoreAllMocks();
}

beforeEach(watchProvider);

describe.each(HOSTS.filter(([, , api]) => api === GRAPHQL))('%s%s', (file, path, api) => {
  test('a key in the extensions counts', async () => {
    const url = (await urlOf(file)) + path;
    const body = { ...api.body(10), extensions: { idempotencyKey: `${path} extensions` } };
    const [first, retry] = [await send(url, undefined, body), await send(url, undefined, body)];
    expect([api.charge(first), api.charge(retry)]).toEqual([charges[0], charges[0]]);
    expect([first.replayed, retry.replayed]).toEqual([false, true]);
  });

  test('a variable of another type leaves the key free', async () => {
    const url = (await urlOf(file)) + path;
    const wrong = { ...api.body(11), variables: { amount: 'eleven' } };
    const refused = await send(url, `${path} corrected`, wrong);
    expect(refused.text).toMatch(/amount/);
    expect(refused.text).not.toContain('IDEMPOTENCY');
    const corrected = await send(url, `${path} corrected`, api.body(11));
    expect(api.charge(corrected), corrected.text).toEqual(charges[0]);
    expect(corrected.replayed).toBe(false);
  });
});

// The gateway for Apollo Server makes the header of `extensions`, which do not tell the time.
describe.each(HOSTS.filter(([file]) => file !== 'apollo-server'))('%s%s', (file, path, api) => {
  test('a header that marks a replay comes with the time until when it is one', async () => {
    const url = (await urlOf(file)) + path;
    await send(url, `${path} expires`, api.body(13));
    const retry = await send(url, `${path} expires`, api.body(13));
    expect(retry.replayed).toBe(true);
    expect(retry.expires).toEqual(retry.isMarked ? expect.stringMatching(/ GMT$/) : null);
  });
});

describe.each(HOSTS)('%s%s', (file, path, api) => {
  test('a retry after a lost answer gets it, marked as a replay, and there is one charge', async () => {
    const url = (await urlOf(file)) + path;
    const charged = gate();
    const hungUp: Gate = gate();
    onCharge = () => {
      charged.open();
      return hungUp;
    };
    await sendAndHangUp(url, `${path} lost`, api.body(5), charged);
    const early = send(url, `${path} lost`, api.body(5)); // while the first is under way
    hungUp.open();
    for (const retry of [await early, await send(url, `${path} lost`, api.body(5))]) {
      expect(api.charge(retry), retry.text).toEqual(charges[0]);
      expect(retry.replayed).toBe(true);
    }
    expect(charges).toHaveLength(1);
  });

  test('of two at once one charges, and both get its answer', async () => {
    const url = (await urlOf(file)) + path;
    const twins = await Promise.all([1, 2].map(() => send(url, `${path} twins`, api.body(6))));
    expect(twins.map((twin) => api.charge(twin))).toEqual([charges[0], charges[0]]);
    expect(twins.filter(({ replayed }) => replayed)).toHaveLength(1);
    expect(charges).toHaveLength(1);
  });

  test('the same key with another amount is refused', async () => {
    const url = (await urlOf(file)) + path;
    await send(url, `${path} reused`, api.body(7));
    const { status, text } = await send(url, `${path} reused`, api.body(700));
    expect(text).toContain('IDEMPOTENCY_KEY_REUSED');
    expect(status).toBe(422);
    expect(charges).toHaveLength(1);
  });

  test('nobody charges with a key', async () => {
    const url = (await urlOf(file)) + path;
    const { status, text } = await send(url, `${path} nobody`, api.body(12), {});
    expect(text).toContain('IDEMPOTENCY_SCOPE_MISSING');
    expect(status).toBe(401);
    expect(charges).toEqual([]);
  });

  test('after an error of the provider a retry does not charge again, and no message of it gets out later', async () => {
    const url = (await urlOf(file)) + path;
    onCharge = () => Promise.reject(new Error('of the provider'));
    const first = await send(url, `${path} failed`, api.body(9));
    const retry = await send(url, `${path} failed`, api.body(9));
    expect(charges).toHaveLength(1);
    if (retry.replayed) {
      expect(retry.status).toBe(first.status);
      expect(withoutMark(retry)).toEqual(withoutMark(first));
    } else {
      expect([retry.status, retry.text]).toEqual([409, expect.stringContaining('IDEMPOTENCY_IN_DOUBT')]);
    }
  });

  test('while the store is away nothing is charged, and the client is told when to come again', async () => {
    const url = (await urlOf(file)) + path;
    isDown = true;
    const refused = await send(url, `${path} away`, api.body(8)).finally(() => {
      isDown = false;
    });
    expect(refused.text).toContain('IDEMPOTENCY_STORE_UNAVAILABLE');
    expect(refused).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) });
    expect(charges).toEqual([]);
    expect(api.charge(await send(url, `${path} away`, api.body(8)))).toEqual(charges[0]);
  });
});
