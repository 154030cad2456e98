import { randomBytes } from 'node:crypto';
import type { CommandStartedEvent, Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createCipher,
  createIdempotency,
  currentRun,
  type Idempotency,
  type Policy,
} from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { gate } from '../support/gate.ts';
import { type Payment, startPaymentApp } from '../support/payment-app.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import type { ThreeApis } from '../support/three-apis.ts';
import { ASK_APIS, type Known } from './ask-apis.ts';

type Api = keyof typeof ASK_APIS;
const APIS = Object.keys(ASK_APIS) as Api[];
const COLLECTION = 'idempotency_keys';

let database: FreshDatabase;
let idempotency: Idempotency;
let app: ThreeApis;
const runs: string[] = [];
let held = gate();
let holding = gate();

async function pay({ mode }: Payment): Promise<void> {
  const run = currentRun();
  runs.push(String(run?.key));
  if (mode === 'release') run?.release('no funds yet');
  if (mode === 'doubt') run?.inDoubt('the provider timed out');
  if (mode === 'decline') throw new Error('card declined');
  if (mode !== 'hold') return;
  holding.open();
  await held;
}

/** A server on the same keys, with this policy. */
async function serverWith(policy: Policy = {}) {
  const other = createIdempotency({ store: createMongoStore({ db: database.db }), ...policy });
  const served = await startPaymentApp(other, pay);
  return {
    url: served.url,
    async [Symbol.asyncDispose]() {
      await served[Symbol.asyncDispose]();
      await other.close();
    },
  };
}

beforeAll(async () => {
  database = await freshDatabase({ monitorCommands: true });
  idempotency = createIdempotency({ store: createMongoStore({ db: database.db }) });
  app = await startPaymentApp(idempotency, pay);
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  await idempotency.close();
  await database[Symbol.asyncDispose]();
});

/** The receipt in a result, whichever API has stored it. */
const receiptIn: Record<Api, (result: unknown) => unknown> = {
  GraphQL: (result) => (result as { data: { pay: unknown } }).data.pay,
  tRPC: (result) => result,
  HTTP: (result) => JSON.parse((result as { body: string }).body),
};

/** The body of the answer that a result stands for. */
const bodyIn: Record<Api, (result: unknown) => unknown> = {
  GraphQL: (result) => result,
  tRPC: (error) => ({ error }),
  HTTP: (result) => JSON.parse((result as { body: string }).body),
};

describe.each(APIS)('a question about a key by %s', (api) => {
  const ask = (key: string, more: object = {}) => ASK_APIS[api]({ url: app.url, key, ...more });
  const send = (key: string, mode?: string, url = app.url) =>
    PAYMENT_APIS[api]({ url, key, ...(mode && { mode }) });

  test('gets the result that the first call had, and runs nothing', async () => {
    const key = `${api}-done`;
    const { receipt } = await send(key);
    const record = () => database.db.collection(COLLECTION).findOne({ key }, { raw: true });
    const before = await record();
    for (const more of [{}, { waitMs: 1_000 }]) {
      const { status, known } = await ask(key, more);
      expect(status).toBe(200);
      expect(known).toMatchObject({ state: 'completed', outcome: 'success' });
      expect(receiptIn[api](known?.result)).toEqual(receipt);
    }
    expect(await record()).toEqual(before);
    expect(runs.filter((run) => run === key)).toHaveLength(1);
  });

  test('gets the error that the first call had', async () => {
    const key = `${api}-declined`;
    const first = await send(key, 'decline');
    const { status, known } = await ask(key);
    expect([status, known?.state, known?.outcome]).toEqual([200, 'completed', 'error']);
    expect(bodyIn[api](known?.result)).toEqual(JSON.parse(first.body));
    if (api === 'HTTP') expect(known?.result).toMatchObject({ status: first.status });
  });

  test.each([
    ['release', 'released'],
    ['doubt', 'in_doubt'],
  ])('of a run that asked for %s gets the state %s', async (mode, state) => {
    const key = `${api}-${mode}`;
    await send(key, mode);
    expect((await ask(key)).known).toEqual({ state });
  });

  test('of a run under way gets that, or waits for its result; a client that leaves disturbs nobody', async () => {
    [held, holding] = [gate(), gate()];
    const key = `${api}-running`;
    const answer = send(key, 'hold');
    await holding;
    expect((await ask(key)).known).toEqual({ state: 'running' });
    expect((await ask(key, { waitMs: 30 })).known).toEqual({ state: 'running' });
    const leaving = new AbortController();
    const left = expect(ask(key, { waitMs: 10_000, signal: leaving.signal })).rejects.toThrow();
    const waiting = ask(key, { waitMs: 10_000 });
    leaving.abort();
    await left;
    held.open();
    const { receipt } = await answer;
    const { known } = await waiting;
    expect(known).toMatchObject({ state: 'completed', outcome: 'success' });
    expect(receiptIn[api](known?.result)).toEqual(receipt);
  });

  test('an unknown, expired, foreign and forbidden key can not be told apart: bytes and commands are the same', async () => {
    for (const name of ['expired', 'mine']) await send(`${api}-${name}`);
    await send(`${api}-secret-doubt`, 'doubt');
    const keys = database.db.collection(COLLECTION);
    await keys.updateOne({ key: `${api}-expired` }, { $set: { expiresAt: new Date(Date.now() - 1) } });
    const sent: Document[] = [];
    const listen = ({ command }: CommandStartedEvent) => {
      if (Object.values(command).includes(COLLECTION)) sent.push(command);
    };
    database.client.on('commandStarted', listen);
    const seen = async (name: string, more: object = {}) => {
      sent.length = 0;
      const { status, body } = await ask(`${api}-${name}`, more);
      return { status, body, commands: sent.map(({ find, projection }) => ({ find, projection })) };
    };
    for (const wait of [{}, { waitMs: 1_000 }]) {
      const unknown = await seen('nobody', wait);
      expect(unknown.body.toLowerCase()).toContain('"state":"unknown"');
      expect(unknown.commands).toHaveLength(1);
      expect(await seen('expired', wait)).toEqual(unknown);
      expect(await seen('mine', { user: 'mallory', ...wait })).toEqual(unknown);
      expect(await seen('mine', { denied: true, ...wait })).toEqual(unknown);
      expect(await seen('secret-doubt', { denied: true, ...wait })).toEqual(unknown);
    }
    database.client.off('commandStarted', listen);
    expect((await ask(`${api}-mine`)).known?.state).toBe('completed');
  });

  test.each<[string, Policy, string]>([
    ['redacted', { redact: ['id'] }, 'redacted'],
    ['not retained', { retain: 'outcome' }, 'not_kept'],
    ['too large', { maxResultBytes: 10 }, 'too_large'],
  ])('a result that was %s is withheld, and why is said', async (what, policy, withheld) => {
    await using server = await serverWith(policy);
    const key = `${api}-${what}`;
    await send(key, undefined, server.url);
    const { known } = await ask(key);
    expect(known).toEqual({ state: 'completed', outcome: 'success', withheld } satisfies Known);
  });

  test('an encrypted result is shown by a server with the cipher, and withheld by one without', async () => {
    await using server = await serverWith({
      cipher: createCipher({ current: 'k1', keys: { k1: randomBytes(32) } }),
    });
    const key = `${api}-encrypted`;
    const { receipt } = await send(key, undefined, server.url);
    const { known } = await ask(key, { url: server.url });
    expect(receiptIn[api](known?.result)).toEqual(receipt);
    expect((await ask(key)).known).toMatchObject({ state: 'completed', withheld: 'no_cipher' });
  });

  test('the key of a call by another API is known, and its result is not shown', async () => {
    const key = `${api}-other`;
    await PAYMENT_APIS[api === 'HTTP' ? 'tRPC' : 'HTTP']({ url: app.url, key });
    expect((await ask(key)).known).toEqual({
      state: 'completed',
      outcome: 'success',
      withheld: 'unknown_format',
    });
  });

  test.each([
    ['an empty key', { key: api === 'HTTP' ? '""' : ' ' }, 'IDEMPOTENCY_KEY_INVALID'],
    ['a key of a template', { key: 'undefined' }, 'IDEMPOTENCY_KEY_INVALID'],
    ['a caller without a scope', { user: '' }, 'IDEMPOTENCY_SCOPE_MISSING'],
  ])('%s is refused as in a call', async (_, wrong, code) => {
    const refused = await ask(`${api}-wrong`, wrong);
    expect(refused.known).toBeUndefined();
    expect(refused.code).toBe(code);
  });
});
