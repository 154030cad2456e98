import { expect, test } from 'vitest';
import { createIdempotencyHandler } from '../../plugin/http/index.ts';
import { internalsOf } from '../../server/adapter/internals.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { freshDatabase } from '../support/database.ts';
import { startMongod } from '../support/mongod/start-mongod.ts';

const request = () =>
  new Request('http://shop/orders', { method: 'POST', headers: { 'idempotency-key': 'k' }, body: '{}' });

test('a store without transactions is refused where a policy wants them, before anything runs', async () => {
  const idempotency = createIdempotency({ store: createMemoryStore() });
  let runs = 0;
  const handler = () => {
    runs++;
    return new Response('done');
  };
  const idempotent = createIdempotencyHandler({ idempotency, scope: () => 'alice' });
  const plain = idempotent(handler);
  await idempotency.ready();
  expect((await plain(request())).status).toBe(200);

  // Found out also when another policy was ready before.
  const transactional = idempotent(handler, { transaction: true });
  await expect(idempotency.ready()).rejects.toThrow(/`transaction: true`, but the store has no transactions/);
  const answer = await transactional(request());
  expect(answer.status).toBe(503);
  expect(await answer.json()).toMatchObject({
    idempotency: { code: 'IDEMPOTENCY_STORE_UNAVAILABLE', reason: 'misconfigured', retryable: false },
  });
  expect(runs).toBe(1);
});

test('so it is where all policies want them', async () => {
  const idempotency = createIdempotency({ store: createMemoryStore(), transaction: true });
  await expect(idempotency.ready()).rejects.toThrow(/no transactions/);
});

test('a standalone mongod that is allowed will do until a policy wants transactions, and is then refused with the way to mend it', async () => {
  await using standalone = await startMongod({ replSet: false });
  await using database = await freshDatabase({}, standalone.uri);
  const idempotency = createIdempotency({
    store: createMongoStore({ db: database.db, allowStandalone: true }),
  });
  await idempotency.ready();
  internalsOf(idempotency).policy({ transaction: true });
  await expect(idempotency.ready()).rejects.toThrow(/standalone mongod.*Fix: .*--replSet rs0/);
  await idempotency.close();
});

test.each([1, 'yes', null])('`transaction: %s` is refused at construction', (transaction) => {
  const store = createMemoryStore();
  expect(() => createIdempotency({ store, transaction: transaction as never })).toThrow(
    /Expected `transaction` to be a boolean/,
  );
});
