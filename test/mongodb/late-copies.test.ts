import { expect, it } from 'vitest';
import { completed, freshClaim, rivalOf } from '../../server/testing/contract/requests.ts';
import { mongoPort } from '../support/database.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { COLLECTION, openStore } from './open-store.ts';

const released = { to: 'released', reason: 'busy', retentionMs: 60_000 } as const;

async function openBehindProxy() {
  const proxy = await startProxy(mongoPort());
  const opened = await openStore({ uri: proxy.uri, timeoutMs: 2_000 });
  const other = await openStore();
  return {
    ...opened,
    proxy,
    /** As the server has it, whatever becomes of the proxy's connections. */
    record: (key: string) =>
      other.database.client.db(opened.database.name).collection(COLLECTION).findOne({ key }),
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
      await proxy[Symbol.asyncDispose]();
    },
  };
}

it('a copy of a claim that comes after others had the key starts nothing', async () => {
  await using opened = await openBehindProxy();
  const { store, proxy } = opened;
  const first = freshClaim();
  await store.settle(await opened.win(first), released);

  const copy = proxy.holdUp(['update', '$$hashes']);
  const second = rivalOf(first);
  const held = await opened.win(second);
  await copy.held;
  await store.settle(held, released);
  await store.settle(await opened.win(rivalOf(first)), released);
  const before = await opened.record(first.key);
  await copy.deliver();
  expect(await opened.record(first.key)).toEqual(before);
});

it('a copy of a first claim that comes when its record is forgotten leaves no run behind', async () => {
  await using opened = await openBehindProxy();
  const { store, proxy, database } = opened;
  const request = freshClaim();
  const copy = proxy.holdUp(['update', request.key]);
  const held = await opened.win(request);
  await copy.held;
  await store.settle(held, completed);
  // As the server does when a record has expired.
  await database.db.collection(COLLECTION).deleteOne({ key: request.key });
  await copy.deliver();
  await store.close(20_000);
  expect(await opened.record(request.key)).toMatchObject({ state: 'released', owner: request.owner });
});

it('a copy of an insert that comes when its records are forgotten leaves no run behind', async () => {
  await using opened = await openBehindProxy();
  const { store, proxy, database } = opened;
  await store.ready();
  const requests = Array.from({ length: 4 }, () => freshClaim());
  const copy = proxy.holdUp(['documents', (requests[0] as (typeof requests)[0]).key]);
  const held = await Promise.all(requests.map((request) => opened.win(request)));
  await copy.held;
  await Promise.all(held.map((one) => store.settle(one, completed)));
  await database.db.collection(COLLECTION).deleteMany();
  await copy.deliver();
  await store.close(20_000);
  for (const { key, owner } of requests)
    expect(await opened.record(key)).toMatchObject({ state: 'released', owner });
});
