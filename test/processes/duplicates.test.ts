import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../support/callers.ts';
import type { Receipt } from '../support/payment-app.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import { type PaymentFleet, type PaymentServer, startFleet } from '../support/payment-fleet.ts';

let fleet: PaymentFleet;
const at = (i: number) => fleet.servers[i % fleet.servers.length] as PaymentServer;

beforeAll(async () => {
  fleet = await startFleet(4);
});
afterAll(() => fleet[Symbol.asyncDispose]());

const KEYS = 200;

describe.each(Object.entries(PAYMENT_APIS))('%s, four processes', (api, pay) => {
  test('200 duplicates at once: one execution and 200 equal answers', async () => {
    const key = `${api}-200`;
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, i) => pay({ url: at(i).url, key, amount: 5 })),
    );
    expect(await fleet.executions(key)).toMatchObject([{ key, scope: 'alice', amount: 5, attempt: 1 }]);
    expect(answers.map(({ status }) => status)).toEqual(Array(200).fill(200));
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1);
  });

  test(`${KEYS} keys × 5 duplicates, some with another amount: each key runs once, each mismatch is told so`, async () => {
    const requests = shuffled(
      Array.from({ length: 5 * KEYS }, (_, i) => ({
        key: `${api}-mixed-${i % KEYS}`,
        amount: random() < 0.2 ? 2 : 1,
        server: at(Math.floor(random() * 4)),
      })),
    );
    const answers: Answer<Receipt>[] = [];
    let next = 0;
    const caller = async () => {
      for (let i = next++; i < requests.length; i = next++) {
        const { key, amount, server } = requests[i] as (typeof requests)[number];
        answers[i] = await pay({ url: server.url, key, amount });
      }
    };
    await Promise.all(Array.from({ length: 64 }, caller));

    const executions = await fleet.executions(new RegExp(`^${api}-mixed-`));
    const ran = new Map(executions.map(({ key, amount }) => [key, amount]));
    expect(executions).toHaveLength(KEYS);
    expect(ran.size).toBe(KEYS);
    const wrong = requests.flatMap(({ key, amount }, i) => {
      const { status, receipt, body } = answers[i] as Answer<Receipt>;
      const isRight = amount === ran.get(key) ? status === 200 && receipt?.amount === amount : status === 422;
      return isRight ? [] : [{ key, amount, status, body }];
    });
    expect(wrong).toEqual([]);
    const receipts = new Set(answers.flatMap(({ receipt }) => receipt?.id ?? []));
    expect(receipts.size).toBe(KEYS);
  }, 180_000);

  test('case 2: 50 at once on a running key and one with another amount: the odd one is told at once, nobody sees a 5xx', async () => {
    const key = `${api}-case-2`;
    const holder = pay({ url: at(0).url, key, mode: 'hold' });
    await at(0).holding();
    const duplicates = Array.from({ length: 50 }, (_, i) => pay({ url: at(i).url, key }));
    const odd = await pay({ url: at(1).url, key, amount: 2 });
    expect(odd.status).toBe(422);
    at(0).go();
    const answers = await Promise.all([holder, ...duplicates]);
    expect(new Set(answers.map(({ status, body }) => `${status} ${body}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
    expect([odd, ...answers].map(({ body }) => body).join()).not.toContain('E11000');
    expect(await fleet.executions(key)).toHaveLength(1);
  });

  test('two scopes with the same key never meet', async () => {
    const key = `${api}-scopes`;
    const answers = await Promise.all(
      ['alice', 'bob', 'alice', 'bob'].map((user, i) => pay({ url: at(i).url, key, user })),
    );
    expect((await fleet.executions(key)).map(({ scope }) => scope).sort()).toEqual(['alice', 'bob']);
    expect(new Set(answers.map(({ receipt }) => receipt?.id)).size).toBe(2);
    expect(answers[0]?.body).toBe(answers[2]?.body);
  });
});

// Seeded, so that a failure can be run again.
let seed = 1;
function random(): number {
  seed = (seed * 48_271) % 2_147_483_647;
  return seed / 2_147_483_647;
}

function shuffled<T>(items: T[]): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [items[i], items[j]] = [items[j] as T, items[i] as T];
  }
  return items;
}
