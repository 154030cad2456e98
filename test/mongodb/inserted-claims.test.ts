import fc from 'fast-check';
import { BSON, type Document, type RunCommandOptions } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { internalsOf } from '../../server/adapter/internals.ts';
import type { ClaimRequest } from '../../server/engine/decide.ts';
import type { Store } from '../../server/engine/store.ts';
import { createIdempotency } from '../../server/index.ts';
import type { Database } from '../../server/mongodb/database.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { createWrites } from '../../server/mongodb/pipelines/statements.ts';
import { completed, freshClaim, rivalOf } from '../../server/testing/contract/requests.ts';
import { callOf } from '../support/calls.ts';
import { mongoPort } from '../support/database.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { generatedCases } from './generated-records.ts';
import { COLLECTION, type OpenedStore, openEmptyStore, openStore } from './open-store.ts';

/** What a server, or the way to it, does with a command: `send` gives its own reply. */
type Hook = (command: Document, send: () => Promise<Document>) => Promise<Document>;

/** A store whose commands go through a hook. It knows the server's clock, so that claims that come together are inserted. */
async function storeBehind({ database }: OpenedStore, hook: Hook): Promise<Store & AsyncDisposable> {
  const { db } = database;
  const command: Database['command'] = (sent, options) =>
    hook(sent, () => db.command(sent, options as RunCommandOptions));
  const store = createMongoStore({
    db: { databaseName: db.databaseName, client: db.client, command } as never,
  });
  await store.ready();
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close(0) });
}

const pass: Hook = (_, send) => send();
const recordsOf = ({ database }: OpenedStore) => database.db.collection(COLLECTION);
const together = (count: number, overrides: Partial<ClaimRequest> = {}) =>
  Array.from({ length: count }, () => freshClaim(overrides));
const claimAll = (store: Store, requests: readonly ClaimRequest[]) =>
  Promise.all(requests.map((request) => store.claim(request)));
const kinds = (sent: readonly Document[]) => sent.map((command) => Object.keys(command)[0]);

describe('first claims that come together', () => {
  it.each([
    [1, ['update']],
    [3, ['update']],
    [4, ['insert', 'find']],
    [150, ['insert', 'find']],
  ])('%i are sent as %j', async (count, commands) => {
    await using opened = await openEmptyStore();
    await using store = await storeBehind(opened, pass);
    opened.sent.length = 0;
    const answers = await claimAll(store, together(count));
    expect(answers.every(({ won }) => won)).toBe(true);
    expect(kinds(opened.sent).slice(0, 2)).toEqual(commands);
  });

  it('are upserts once the server is known to be far away, so that each caller waits for one way only', async () => {
    await using proxy = await startProxy(mongoPort());
    await using opened = await openStore({ uri: proxy.uri });
    proxy.delayMs = 20;
    await using store = await storeBehind(opened, pass);
    for (let answers = 0; answers < 5; answers++) await claimAll(store, together(4));
    opened.sent.length = 0;
    const answers = await claimAll(store, together(4));
    expect(answers.every(({ won }) => won)).toBe(true);
    expect(kinds(opened.sent)[0]).toBe('update');
  });

  it('make the record that an upsert makes, byte for byte but for the times', async () => {
    await using opened = await openEmptyStore();
    await using store = await storeBehind(opened, pass);
    const body = JSON.stringify({ $where: '1', 'a.b': { $set: '$$NOW' }, '': ['$owner'] });
    const requests = fc.sample(generatedCases, { numRuns: 40, seed: 5 }).map(({ request }, index) => ({
      ...request,
      ...(index === 0 && { captured: { format: '$where', body, bytes: body.length } }),
      ...(index === 1 && { captured: { format: 'a.b', body: 'x'.repeat(3_000_000), bytes: 3_000_000 } }),
      key: `key $${index}.${index}`,
      owner: `inserts ${index}`,
    }));
    await claimAll(store, requests);
    const inserted = await raw(opened, requests);
    await recordsOf(opened).deleteMany();
    const { fresh } = createWrites();
    await opened.database.db.command({
      update: COLLECTION,
      updates: requests.map((request) => fresh(request).statement),
    });
    expect(inserted).toEqual(await raw(opened, requests));
    expect(opened.sent.some((command) => 'insert' in command)).toBe(true);
  });

  it('have the times of the server: none of them begins after it, and no lease ends before it', async () => {
    await using opened = await openEmptyStore();
    await using store = await storeBehind(opened, pass);
    const before = await serverTime(opened);
    await claimAll(store, together(10, { leaseMs: 30_000, unresolvedRetentionMs: 60_000 }));
    const after = await serverTime(opened);
    for (const { createdAt, startedAt, leaseExpiresAt, expiresAt } of await recordsOf(opened)
      .find()
      .toArray()) {
      expect(createdAt).toEqual(startedAt);
      expect(startedAt.getTime()).toBeLessThanOrEqual(after);
      expect(leaseExpiresAt.getTime()).toBeGreaterThanOrEqual(before + 30_000);
      expect(expiresAt.getTime()).toBe(leaseExpiresAt.getTime() + 60_000);
    }
  });

  it('find the records that are there, and win only the others', async () => {
    await using opened = await openEmptyStore();
    await using store = await storeBehind(opened, pass);
    const [done, running, ...others] = together(8) as [ClaimRequest, ClaimRequest, ...ClaimRequest[]];
    const held = await opened.win(done);
    await opened.store.settle(held, completed);
    await opened.win(running);
    const answers = await claimAll(
      store,
      [done, running, ...others].map((request) => rivalOf(request)),
    );
    expect(answers.map(({ won }) => won)).toEqual([false, false, ...others.map(() => true)]);
    expect(answers.slice(0, 2)).toMatchObject([
      { record: { state: 'completed' } },
      { record: { state: 'running', owner: running.owner } },
    ]);
  });

  it('of two processes win each key once', async () => {
    await using opened = await openEmptyStore();
    await using store = await storeBehind(opened, pass);
    await using other = await storeBehind(opened, pass);
    const requests = together(60);
    const answers = await Promise.all([
      claimAll(store, requests),
      claimAll(
        other,
        requests.map((request) => rivalOf(request)),
      ),
    ]);
    expect(answers.flat().filter(({ won }) => won)).toHaveLength(60);
  });

  it('that another unique index refuses are an error of the set-up, at once', async () => {
    await using opened = await openStore();
    await using store = await storeBehind(opened, pass);
    await recordsOf(opened).createIndex({ operation: 1 }, { unique: true });
    const answers = await Promise.allSettled(together(4).map((request) => store.claim(request)));
    const refused = answers.filter(({ status }) => status === 'rejected');
    expect(refused).toHaveLength(3);
    for (const answer of refused)
      expect(answer).toMatchObject({
        reason: { reason: 'misconfigured', cause: { message: expect.stringContaining('operation_1') } },
      });
  });

  it('that a validator refuses are an error of the set-up, as upserts are', async () => {
    await using opened = await openStore();
    await using store = await storeBehind(opened, pass);
    await opened.database.db.command({ collMod: COLLECTION, validator: { operation: 'ship' } });
    const answers = await Promise.allSettled(together(4).map((request) => store.claim(request)));
    for (const answer of answers) expect(answer).toMatchObject({ reason: { reason: 'misconfigured' } });
  });

  it.each([
    ['is a mongos', { msg: 'isdbgrid' }],
    ['does not tell the time', { localTime: undefined }],
  ])('of a server that %s are upserts, whose times are its own', async (_, hello) => {
    await using opened = await openEmptyStore();
    await using store = await storeBehind(opened, async (command, send) =>
      'hello' in command ? { ...(await send()), ...hello } : send(),
    );
    opened.sent.length = 0;
    expect((await claimAll(store, together(8))).every(({ won }) => won)).toBe(true);
    expect(kinds(opened.sent)).not.toContain('insert');
  });
});

describe('a read after the insert', () => {
  it.each(['lost', 'silent'])('that is %s starts nothing twice', async (kind) => {
    await using opened = await openEmptyStore();
    let isOn = false;
    await using store = await storeBehind(opened, async (command, send) => {
      if (!isOn || !('find' in command) || !command.hint) return send();
      isOn = false;
      if (kind === 'silent') return new Promise(() => {});
      throw Object.assign(new Error('reset'), { name: 'MongoNetworkError' });
    });
    isOn = true;
    const requests = together(4);
    const answers = await claimAll(store, requests);
    expect(answers.map(({ won }) => won)).toEqual([true, true, true, true]);
    expect(await recordsOf(opened).countDocuments({ attempts: 1, state: 'running' })).toBe(4);
    const rivals = await claimAll(
      store,
      requests.map((request) => rivalOf(request)),
    );
    expect(rivals.map(({ won }) => won)).toEqual([false, false, false, false]);
  });

  it('finds none of the records, because the server has removed them: they are made again', async () => {
    await using opened = await openEmptyStore();
    let isOn = false;
    await using store = await storeBehind(opened, async (command, send) => {
      const reply = await send();
      if (isOn && 'insert' in command) await recordsOf(opened).deleteMany();
      return reply;
    });
    isOn = true;
    const answers = await claimAll(store, together(4));
    expect(answers.map(({ won }) => won)).toEqual([true, true, true, true]);
    expect(await recordsOf(opened).countDocuments({ state: 'running' })).toBe(4);
  });
});

const MINUTE = 60_000;

describe('a server’s clock that was set since it was last read', () => {
  /** `byMs` is what the server's clock is ahead of what `hello` said. */
  const setBy =
    (byMs: number): Hook =>
    async (command, send) => {
      const reply = await send();
      return 'hello' in command ? { ...reply, localTime: new Date(reply.localTime.getTime() - byMs) } : reply;
    };

  it.each([5_000, -5_000, 60 * MINUTE, -60 * MINUTE])(
    'by %i ms: each handler starts within a lease, on the server too, and no rival runs beside it',
    async (byMs) => {
      await using opened = await openEmptyStore();
      await using store = await storeBehind(opened, setBy(byMs));
      const idempotency = createIdempotency({ store });
      const leaseMs = 2_000;
      const policy = { leaseMs, unresolvedRetentionMs: leaseMs };
      opened.sent.length = 0;
      const left: number[] = [];
      let runs = 0;
      const calls = Array.from({ length: 4 }, (_, index) => {
        const handler = async () => {
          runs++;
          const record = await opened.find(`key ${byMs} ${index}`);
          const now = await serverTime(opened);
          left.push(record?.leaseExpiresAt - now, record?.expiresAt - now);
          expect(
            await opened.store.claim(
              rivalOf({ ...freshClaim(), key: `key ${byMs} ${index}`, fingerprints: ['s9:x'] }),
            ),
          ).toMatchObject({ won: false });
          return { data: 'done' };
        };
        return internalsOf(idempotency).execute(
          callOf(idempotency, handler, { key: `key ${byMs} ${index}`, policy }),
        );
      });
      await Promise.all(calls);
      expect(kinds(opened.sent)).toContain('insert');
      expect(runs).toBe(4);
      expect(Math.min(...left)).toBeGreaterThan(0);
      await idempotency.close();
    },
  );

  it.each([5_000, -5_000, 60 * MINUTE, -60 * MINUTE])(
    'by %i ms is known right after the claims',
    async (byMs) => {
      await using opened = await openEmptyStore();
      await using store = await storeBehind(opened, setBy(byMs));
      await claimAll(store, together(4));
      const before = await serverTime(opened);
      const requests = together(4, { leaseMs: 30_000 });
      await claimAll(store, requests);
      const found = await recordsOf(opened)
        .find({ key: { $in: requests.map(({ key }) => key) } })
        .toArray();
      expect(found).toHaveLength(4);
      for (const { leaseExpiresAt, startedAt } of found) {
        expect(leaseExpiresAt.getTime()).toBeGreaterThanOrEqual(before + 30_000);
        expect(leaseExpiresAt.getTime() - startedAt.getTime()).toBeLessThan(40_000);
      }
    },
  );

  it('tells how much is left of the leases of these claims: so much as the server says, and no more than was asked for', async () => {
    await using opened = await openEmptyStore();
    for (const byMs of [5_000, -5_000]) {
      await using store = await storeBehind(opened, setBy(byMs));
      const sentAt = performance.now();
      const [answer] = await claimAll(store, together(4, { leaseMs: 30_000 }));
      if (!answer?.won) throw new Error('Expected to win');
      if (byMs > 0) expect(answer.sentAt).toBeLessThan(sentAt - 4_000);
      else expect(answer.sentAt).toBeGreaterThanOrEqual(sentAt);
      expect(answer.sentAt).toBeLessThanOrEqual(performance.now());
    }
  });
});

async function raw(opened: OpenedStore, requests: readonly ClaimRequest[]) {
  const found = await recordsOf(opened)
    .find({ owner: { $in: requests.map(({ owner }) => owner) } }, { raw: true })
    .toArray();
  const shown = (found as unknown as Buffer[]).map((bytes) => {
    const record = BSON.deserialize(bytes, { promoteValues: false });
    const times = ['createdAt', 'startedAt', 'leaseExpiresAt', 'expiresAt'];
    const known = record.expiresAt.getTime() > 8e15 ? 'never' : 'some day';
    // The types too: a date by its kind, an id by its place.
    return BSON.EJSON.stringify(
      Object.entries(record).map(([name, value]) => [
        name,
        name === '_id' ? value._bsontype : times.includes(name) ? [value instanceof Date, known] : value,
      ]),
      { relaxed: false },
    );
  });
  return shown.sort();
}

async function serverTime({ database }: OpenedStore): Promise<number> {
  const { localTime } = await database.db.command({ hello: 1 });
  return localTime.getTime();
}
