import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ASK_APIS } from '../ask/ask-apis.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import { type PaymentFleet, type PaymentServer, startFleet } from '../support/payment-fleet.ts';

let fleet: PaymentFleet;
beforeAll(async () => {
  fleet = await startFleet(3, { leaseMs: 1_000 });
});
afterAll(() => fleet[Symbol.asyncDispose]());

describe.each(Object.entries(PAYMENT_APIS))('%s, two processes', (api, pay) => {
  const ask = ASK_APIS[api as keyof typeof ASK_APIS];
  const [one, two] = [() => fleet.servers[0] as PaymentServer, () => fleet.servers[1] as PaymentServer];

  test('a question waits for a run in the other process, and gets its result', async () => {
    const key = `${api}-elsewhere`;
    const answer = pay({ url: one().url, key, mode: 'hold' });
    await one().holding();
    expect((await ask({ url: two().url, key })).known).toEqual({ state: 'running' });
    const waiting = ask({ url: two().url, key, waitMs: 10_000 });
    one().go();
    const { receipt } = await answer;
    const { known } = await waiting;
    expect(known).toMatchObject({ state: 'completed', outcome: 'success' });
    expect(JSON.stringify(known?.result)).toContain(receipt?.id);
    expect(await fleet.executions(key)).toHaveLength(1);
  });
});

test('a question that waits for a process which is killed gets that the key is in doubt; nothing is written', async () => {
  const [living, , dying] = fleet.servers as [PaymentServer, PaymentServer, PaymentServer];
  const lost = PAYMENT_APIS.HTTP({ url: dying.url, key: 'lost', mode: 'hold' }).catch(() => {});
  await dying.holding();
  const waiting = ASK_APIS.HTTP({ url: living.url, key: 'lost', waitMs: 10_000 });
  await dying.process.kill('SIGKILL');
  expect((await waiting).known).toEqual({ state: 'in_doubt' });
  expect(await fleet.database.db.collection('idempotency_keys').findOne({ key: 'lost' })).toMatchObject({
    state: 'running',
  });
  await lost;
});
