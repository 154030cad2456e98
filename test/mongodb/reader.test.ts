import type { Document } from 'mongodb';
import { expect, it } from 'vitest';
import { Collection } from '../../server/mongodb/database.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { Reader } from '../../server/mongodb/reader.ts';
import { completed, freshClaim } from '../../server/testing/contract/requests.ts';
import { type Gate, gate } from '../support/gate.ts';
import { COLLECTION, type OpenedStore, openEmptyStore } from './open-store.ts';

const isFind = (command: Document) => 'find' in command;

/** The same database, whose finds for which `matches` wait for a gate. */
function gated({ database }: OpenedStore, matches: (find: Document) => boolean): { db: never; open: Gate } {
  const open = gate();
  const db = {
    databaseName: database.name,
    async command(command: Document, options?: object) {
      if (isFind(command) && matches(command)) await open;
      return database.db.command(command, options);
    },
  };
  return { db: db as never, open };
}

/** A completed key with so large a result. */
async function complete(opened: OpenedStore, bytes: number): Promise<string> {
  const held = await opened.win();
  const response = { format: 'test/1', body: 'x'.repeat(bytes), bytes };
  await opened.store.settle(held, { ...completed, response });
  return held.key;
}

const bytesOf = (answer: unknown) =>
  (answer as { record: { response: { body: string } } }).record.response.body.length;

it('large results that are asked for together come in a few reads', async () => {
  await using opened = await openEmptyStore();
  const keys = await Promise.all(Array.from({ length: 200 }, () => complete(opened, 60_000)));
  opened.sent.length = 0;
  const answers = await Promise.all(keys.map((key) => opened.store.claim(freshClaim({ key }))));
  expect(answers.map(bytesOf)).toEqual(keys.map(() => 60_000));
  // The claims come back in two replies or three. Of 12 MB, some 2 MB come with each read.
  expect(opened.sent.filter(isFind).length).toBeLessThanOrEqual(15);
});

it('a small result does not wait for the large ones that are asked for with it', async () => {
  await using opened = await openEmptyStore();
  const large = await Promise.all(Array.from({ length: 3 }, () => complete(opened, 6_000_000)));
  const small = await complete(opened, 10);
  // All keys are asked for at once; then the large ones, one by one.
  const { db, open } = gated(opened, ({ filter }) => typeof filter.key === 'string' && filter.key !== small);
  const reader = new Reader(new Collection(db, COLLECTION));
  const until = performance.now() + 20_000;
  const waiting = large.map((key) => reader.snapshot({ scope: 's', key }, undefined, until));
  const first = await Promise.race([
    reader.snapshot({ scope: 's', key: small }, undefined, until),
    ...waiting,
  ]);
  expect(bytesOf(first)).toBe(10);
  open.open();
  expect((await Promise.all(waiting)).map(bytesOf)).toEqual(large.map(() => 6_000_000));
});

it('of what is read together, each waits for its own time only', async () => {
  await using opened = await openEmptyStore();
  const keys = [await complete(opened, 10), await complete(opened, 20)];
  const { db, open } = gated(opened, () => true);
  const reader = new Reader(new Collection(db, COLLECTION));
  const [short, long] = keys.map((key, index) =>
    reader.snapshot({ scope: 's', key }, undefined, performance.now() + (index ? 20_000 : 50)),
  );
  await expect(short).rejects.toMatchObject({ code: 'IDEMPOTENCY_STORE_UNAVAILABLE', reason: 'timeout' });
  open.open();
  expect(bytesOf(await long)).toBe(20);
});

it('results of any size are replayed, also when one of them fills a reply', { timeout: 60_000 }, async () => {
  await using opened = await openEmptyStore();
  const sizes = [14_000_000, 5, 3_000_000, 900_000, 900_000, 50_000, 7_000_000, 5];
  const keys: string[] = [];
  for (const bytes of sizes) keys.push(await complete(opened, bytes));
  const store = createMongoStore({ db: opened.database.db });
  const answers = await Promise.all(keys.map((key) => store.claim(freshClaim({ key }))));
  expect(answers.map(bytesOf)).toEqual(sizes);
  await store.close(0);
});
