import type { Document } from 'mongodb';
import { describe, expect, it } from 'vitest';
import type { ClaimAnswer } from '../../server/engine/store.ts';
import { createMongoStore, type MongoStoreOptions } from '../../server/mongodb/index.ts';
import { completed, freshClaim, rivalOf } from '../../server/testing/contract/requests.ts';
import { openBehindProxy } from './open-behind-proxy.ts';
import { isUpdate, type OpenedStore } from './open-store.ts';

const terms = { leaseMs: 30_000, unresolvedRetentionMs: 60_000 };
const signal = () => new AbortController().signal;

type Opened = Awaited<ReturnType<typeof openBehindProxy>>;

/** Makes the client's pool hold about so many idle connections, then lets all of them die without a sign of it. */
async function loseIdleConnections({ database: { db }, proxy }: Opened, count: number) {
  const options = { promoteLongs: false }; // it wants its version back as it gave it
  const { topologyVersion } = await db.command({ hello: 1 }, options);
  // The server answers when its version changes, or after this time: each of them takes a connection.
  const slow = { hello: 1, topologyVersion, maxAwaitTimeMS: 30 * count };
  await Promise.all(Array.from({ length: count }, () => db.command(slow, options)));
  expect(proxy.swallowOpen()).toBeGreaterThan(2);
}

/** The same database by a driver that knows no `signal`, as those before 6.13: what hangs goes on hanging. */
function withoutSignals({ database }: OpenedStore): MongoStoreOptions['db'] {
  const { databaseName, client } = database.db;
  const command = (sent: Document, { signal: _, ...options }: { signal?: AbortSignal } = {}) =>
    database.db.command(sent, options);
  return { databaseName, client, command };
}

it.concurrent('each operation is done over a new connection when all idle ones are dead', async () => {
  await using opened = await openBehindProxy({ timeoutMs: 20_000 });
  const { store } = opened;
  const held = await Promise.all(Array.from({ length: 4 }, () => opened.win()));
  const [settled, renewed, stepped, watched] = held as [(typeof held)[0], ...typeof held];
  const lapsed = freshClaim({ leaseMs: -1 });
  const seen = await opened.win(lapsed);
  const known = freshClaim();
  await store.settle(await opened.win(known), completed);

  await loseIdleConnections(opened, 6);
  const value = { format: 'step/1', body: '1', bytes: 1 };
  const ended = store.watch(watched as typeof settled, signal());
  expect(
    await Promise.all([
      store.settle(settled, completed),
      store.renew(renewed as typeof settled, terms),
      store.recordStep(stepped as typeof settled, { name: 'charge', value }),
      store.claim(freshClaim()),
      store.claim(rivalOf(known)),
      store.takeOver(rivalOf(lapsed, { leaseMs: 30_000 }), seen, 'running'),
    ]),
  ).toMatchObject([
    { applied: true },
    { applied: true },
    { applied: true },
    { won: true },
    { won: false, record: { state: 'completed' } },
    { won: true },
  ]);
  await store.settle(watched as typeof settled, completed);
  expect((await ended).record).toMatchObject({ state: 'completed' });
});

describe.concurrent.each([
  ['closes a connection that is given up', (opened: OpenedStore) => opened.database.db],
  ['goes on waiting', withoutSignals],
])('with a driver that %s', (_, dbOf) => {
  it('a key whose claim got no answer is claimed by a later call, whatever becomes of that one', async () => {
    await using opened = await openBehindProxy();
    const store = createMongoStore({ db: dbOf(opened), timeoutMs: 2_000 });
    await loseIdleConnections(opened, 6);
    const request = freshClaim();
    let answer: ClaimAnswer | undefined;
    const refusals: unknown[] = [];
    // A call that was given up may have won after all, until its release is there.
    while (!answer?.won) {
      answer = await store.claim(rivalOf(request)).catch((error) => {
        refusals.push(error);
        return undefined;
      });
    }
    expect(answer).toMatchObject({ won: true });
    expect(refusals.length).toBeGreaterThan(0);
    expect(await store.settle((answer as Extract<ClaimAnswer, { won: true }>).held, completed)).toEqual({
      applied: true,
    });
    await store.close(0);
  });

  it('other keys go on while a score of commands has no answer', { timeout: 90_000 }, async () => {
    await using opened = await openBehindProxy();
    const store = createMongoStore({ db: dbOf(opened), timeoutMs: 1_000 });
    await loseIdleConnections(opened, 60);
    const claimTen = async () => {
      const claims = Array.from({ length: 10 }, () => store.claim(freshClaim()));
      const answers = await Promise.allSettled(claims);
      return answers.filter(({ status }) => status === 'fulfilled').length;
    };
    let rounds = 1;
    while ((await claimTen()) < 10) rounds++;
    expect(rounds).toBeLessThanOrEqual(15);
    await store.close(0);
  });
});

it.concurrent('so many commands without an answer are enough: claims are refused at once, with what to do', async () => {
  await using opened = await openBehindProxy();
  const store = createMongoStore({ db: withoutSignals(opened), timeoutMs: 400 });
  await opened.win();
  opened.proxy.mode = 'hang';
  opened.sent.length = 0;
  const refused = async () => {
    const claims = Array.from({ length: 20 }, () => store.claim(freshClaim()));
    const answers = await Promise.allSettled(claims);
    return answers.map((answer) => (answer.status === 'rejected' ? answer.reason : undefined));
  };
  let errors = await refused();
  while (!errors.every((error) => error?.reason === 'unresponsive')) errors = await refused();
  expect(errors[0]).toMatchObject({
    code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
    cause: { message: expect.stringContaining('socketTimeoutMS') },
  });
  const firstClaims = opened.sent.filter((one) => isUpdate(one) && !('tombstoneMs' in one.updates[0].c));
  expect(firstClaims.length).toBeLessThanOrEqual(48 + 18);

  opened.proxy.mode = 'pass';
  let answer: ClaimAnswer | undefined;
  while (!answer?.won) {
    await new Promise(setImmediate); // it is refused without a turn of the event loop, in which answers would come
    answer = await store.claim(freshClaim()).catch(() => undefined);
  }
  await store.close(0);
});
