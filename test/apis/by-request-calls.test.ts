import { initTRPC } from '@trpc/server';
import { createSchema, createYoga } from 'graphql-yoga';
import { describe, expect, test } from 'vitest';
import { useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotencyHandler } from '../../plugin/http/index.ts';
import { createIdempotencyMiddleware } from '../../plugin/trpc/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';

type Seen = Record<'enabled' | 'idempotency' | 'policy', object | undefined>;

/** Makes options of an adapter whose functions keep what they were shown. */
function watching() {
  const idempotency = createIdempotency({ store: createMemoryStore() });
  const seen: Seen = { enabled: undefined, idempotency: undefined, policy: undefined };
  const keep =
    <T>(name: keyof Seen, value: T) =>
    (call: object): T => {
      seen[name] = { ...call };
      return value;
    };
  const options = {
    enabled: keep('enabled', true),
    idempotency: keep('idempotency', idempotency),
    policy: keep('policy', {}),
    scope: () => 'ada',
  };
  return { idempotency, seen, options };
}

const headers = { 'content-type': 'application/json', 'idempotency-key': 'k' };
const known = { scope: 'ada', key: 'k' };

describe('each function that decides by request is shown the call', () => {
  test('of GraphQL', async () => {
    const { seen, options } = watching();
    const ofField: object[] = [];
    const policy = (call: object) => {
      ofField.push({ ...call });
      return {};
    };
    const yoga = createYoga({
      logging: false,
      schema: createSchema({
        typeDefs: 'type Query { a: Int } type Mutation { pay(amount: Int): Int }',
        resolvers: { Mutation: { pay: () => 1 } },
      }),
      plugins: [useIdempotency({ ...options, fields: { pay: { policy } } })],
    });
    const body = JSON.stringify({ query: 'mutation { pay(amount: 5) }' });
    await yoga.fetch('http://shop/graphql', { method: 'POST', headers, body });
    const call = {
      operation: 'pay',
      fields: [{ name: 'pay', args: { amount: 5 } }],
      clientKey: 'k',
      context: expect.anything(),
    };
    expect(seen).toMatchObject({ enabled: call, idempotency: call, policy: { ...call, ...known } });
    expect(ofField).toMatchObject([{ ...call, ...known, field: 'pay', args: { amount: 5 } }]);
  });

  test('of tRPC', async () => {
    const { seen, options } = watching();
    const t = initTRPC.context<{ headers: Headers }>().create();
    const idempotent = createIdempotencyMiddleware(t, options);
    const router = t.router({
      pay: t.procedure
        .input((input) => input)
        .use(idempotent())
        .mutation(() => 1),
    });
    await router.createCaller({ headers: new Headers(headers) }).pay({ amount: 5 });
    const call = { path: 'pay', input: { amount: 5 }, clientKey: 'k', ctx: { headers: expect.anything() } };
    expect(seen).toMatchObject({ enabled: call, idempotency: call, policy: { ...call, ...known } });
  });

  test('of HTTP, and the policy function may read the body', async () => {
    const { seen, options } = watching();
    const handler = createIdempotencyHandler({
      ...options,
      policy: async (call) => ({ captureRequest: (await call.request.json()).amount > 100 }),
    })(async (request, tenant: string) => Response.json([await request.json(), tenant]), {
      policy: options.policy,
    });
    const request = new Request('http://shop/pay', { method: 'POST', headers, body: '{"amount":5}' });
    const response = await handler(request, 'acme');
    expect(await response.json()).toEqual([{ amount: 5 }, 'acme']);
    const call = { clientKey: 'k', rest: ['acme'], request: expect.any(Request) };
    expect(seen).toMatchObject({ enabled: call, idempotency: call, policy: { ...call, ...known } });
  });

  test('of `idempotency.run`', async () => {
    const { idempotency, seen, options } = watching();
    const call = { ...known, operation: 'ship', input: { to: 'Oslo' } };
    expect(await idempotency.run(call, () => 1, options.policy)).toBe(1);
    expect(seen.policy).toEqual(call);
  });
});

describe('`idempotency.run` with a policy function', () => {
  const start = () => createIdempotency({ store: createMemoryStore() });
  const call = { ...known, operation: 'ship' };

  test('keeps the result as it says', async () => {
    const idempotency = start();
    await idempotency.run(
      call,
      () => 'shipped',
      async () => ({ retain: 'outcome' }),
    );
    await expect(idempotency.run(call, () => 'again')).rejects.toMatchObject({
      code: 'IDEMPOTENCY_RESULT_NOT_RETAINED',
    });
  });

  test.each<[unknown, string]>([
    [
      { leaseMs: 5_000 },
      'Unknown option `policy(…).leaseMs` of idempotency.run(...): it is an option of createIdempotency(...)',
    ],
    [{ cipher: null }, 'for it has to be the same for every call of one key'],
    [{ retentionMS: 5_000 }, 'did you mean `retentionMs`?'],
    [{ retentionMs: 5 }, 'Expected `policy(…).retentionMs` to be an integer from 1000'],
    [{ maxCapturedBytes: 5 }, 'Expected no `policy(…).maxCapturedBytes` without `captureRequest: true`'],
    [undefined, 'Expected `policy(…)` to be an object, got undefined'],
  ])('runs nothing where that gives %j, and leaves the key free', async (given, message) => {
    const idempotency = start();
    const runs: unknown[] = [];
    const ship = () => runs.push('run');
    await expect(idempotency.run(call, ship, () => given as never)).rejects.toThrow(message);
    expect(runs).toEqual([]);
    expect(await idempotency.run(call, ship)).toBe(1);
  });
});
