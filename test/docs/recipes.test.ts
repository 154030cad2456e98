import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { createIdempotency, type Idempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { createOperator } from '../../server/operator/index.ts';
import { loadCodeOfPage } from '../support/code-of-page.ts';
import { emptyDatabase } from '../support/database.ts';

const page = readFileSync(new URL('../../docs/recipes.md', import.meta.url), 'utf8');

/** Loads the code of a recipe, beside what it takes as given. */
function recipe<Exports>(heading: string, given: object): Promise<Exports> {
  const section = page.slice(page.indexOf(`## ${heading}\n`));
  const [, code = ''] = /^```ts\n([\s\S]*?)^```$/m.exec(section) ?? [];
  return loadCodeOfPage(code, given);
}

async function openShop() {
  const database = await emptyDatabase();
  const idempotency = createIdempotency({ store: createMongoStore({ db: database.db }), leaseMs: 1_000 });
  await idempotency.ready();
  return {
    db: database.db,
    idempotency,
    sessionOf: async () => ({ id: 'ada' }),
    async [Symbol.asyncDispose]() {
      vi.unstubAllGlobals();
      await idempotency.close();
      await database[Symbol.asyncDispose]();
    },
  };
}

const post = (handler: (request: Request) => Promise<Response>, key: string, body: object) =>
  handler(
    new Request('http://shop.example/x', {
      method: 'POST',
      headers: { 'idempotency-key': key, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  );

interface Route {
  POST(request: Request): Promise<Response>;
}

describe('Nobody knows whether the charge went through', () => {
  /** Makes a provider that honours keys. It makes the charge, and then `answer` decides what its caller hears. */
  function providerOf(answer: (charge: { id: string }) => Promise<{ id: string }>) {
    const charges = new Map<string, { id: string }>();
    return {
      charges,
      async charge(_payment: object, { idempotencyKey }: { idempotencyKey: string }) {
        const charge = charges.get(idempotencyKey) ?? { id: `ch_${charges.size + 1}` };
        charges.set(idempotencyKey, charge);
        return answer(charge);
      },
      find: async ({ idempotencyKey }: { idempotencyKey: string }) => charges.get(idempotencyKey),
    };
  }

  test('a retry gets the charge that the lost run has made, and nothing is charged again', async () => {
    await using shop = await openShop();
    const provider = providerOf(() => Promise.reject(new Error('no answer')));
    const { POST } = await recipe<Route>('Nobody knows whether the charge went through', {
      ...shop,
      provider,
    });
    await expect(post(POST, 'k', { amount: 5 })).rejects.toThrow('no answer');
    const retry = await post(POST, 'k', { amount: 5 });
    expect([retry.status, await retry.json()]).toEqual([200, { chargeId: 'ch_1' }]);
    expect(provider.charges.size).toBe(1);
  });

  test('where the provider knows of no charge, the key stays in doubt', async () => {
    await using shop = await openShop();
    const provider = { ...providerOf(async (charge) => charge), find: async () => undefined };
    const lost = { ...provider, charge: () => Promise.reject(new Error('no answer')) };
    const { POST } = await recipe<Route>('Nobody knows whether the charge went through', {
      ...shop,
      provider: lost,
    });
    await expect(post(POST, 'k', { amount: 5 })).rejects.toThrow('no answer');
    expect(await (await post(POST, 'k', { amount: 5 })).json()).toMatchObject({
      idempotency: { code: 'IDEMPOTENCY_IN_DOUBT' },
    });
  });
});

describe('An order in MongoDB, and a mail about it', () => {
  interface Outbox extends Route {
    sendWaiting(send: (mail: { to: string }, options: object) => Promise<void>): Promise<void>;
  }
  const heading = 'An order in MongoDB, and a mail about it';

  test('there is one order and one mail, however often the request and the worker come', async () => {
    await using shop = await openShop();
    const { POST, sendWaiting } = await recipe<Outbox>(heading, shop);
    const order = { item: 'tea', email: 'ada@example.org' };
    const [first, retry] = [await post(POST, 'k', order), await post(POST, 'k', order)];
    expect([first.status, retry.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
    const send = vi.fn(async (_mail: { to: string }) => {});
    await Promise.all([sendWaiting(send), sendWaiting(send)]);
    await sendWaiting(send);
    expect(send.mock.calls.map(([{ to }]) => to)).toEqual(['ada@example.org']);
    expect(await shop.db.collection('orders').countDocuments()).toBe(1);
  });

  test('a mail that could not be sent is sent by the next round', async () => {
    await using shop = await openShop();
    const { POST, sendWaiting } = await recipe<Outbox>(heading, shop);
    await post(POST, 'k', { item: 'tea', email: 'ada@example.org' });
    const send = vi.fn(async () => {}).mockRejectedValueOnce(new Error('busy'));
    await expect(sendWaiting(send)).rejects.toThrow('busy');
    await sendWaiting(send);
    expect(send).toHaveBeenCalledTimes(2);
    expect(await shop.db.collection('outbox').countDocuments({ sentAt: null })).toBe(0);
  });
});

test('A customer who asks to be forgotten: nothing of their scopes is found any more', async () => {
  await using shop = await openShop();
  const { idempotency } = shop as { idempotency: Idempotency };
  for (const scope of ['acme/ada', 'globex/ada', 'acme/bob'])
    await idempotency.run({ scope, key: 'k', operation: 'pay' }, () => 'paid');
  const { forget } = await recipe<{ forget(scopes: string[], ticket: string): Promise<void> }>(
    'A customer who asks to be forgotten',
    shop,
  );
  await forget(['acme/ada', 'globex/ada'], '2026-118');
  const operator = createOperator({ idempotency, by: 'a-test' });
  const found = ['acme/ada', 'globex/ada', 'acme/bob'].map((scope) => operator.find({ scope, key: 'k' }));
  expect((await Promise.all(found)).map((key) => key?.scope)).toEqual([undefined, undefined, 'acme/bob']);
});
