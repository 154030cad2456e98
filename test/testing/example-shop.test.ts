import { createServer } from 'node:http';
import type { Db } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createApis } from '../../examples/shop/apis.ts';
import type { Provider } from '../../examples/shop/provider.ts';
import { createShop } from '../../examples/shop/shop.ts';
import {
  type AuditCall,
  type AuditedMutation,
  createTestkit,
  retryAudit,
} from '../../server/testing/index.ts';
import { type FreshDatabase, freshDatabase } from '../support/database.ts';
import { listen } from '../support/listen.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

interface Request {
  readonly path: string;
  readonly body: (input: object) => object;
}

/** The four mutations of the shop, as its clients send them. Their provider has its moods: it can fail after it took the money. */
function mutationsOf(db: Db) {
  let isBroken = false;
  const payments: number[] = [];
  const provider: Provider = async (amount) => {
    payments.push(amount);
    if (isBroken) throw new Error('The answer of the bank could not be read');
  };
  const failing = {
    arrange: () => {
      isBroken = true;
    },
    restore: () => {
      isBroken = false;
    },
  };
  const graphql = (query: string): Request => ({
    path: '/graphql',
    body: (variables) => ({ query, variables }),
  });
  const trpc = (name: string): Request => ({ path: `/trpc/${name}`, body: (input) => input });
  const charge = { input: { customer: 'ada', amount: 100 }, otherInput: { customer: 'ada', amount: 999 } };
  const refund = { input: { charge: 'ch_1', amount: 100 }, otherInput: { charge: 'ch_2', amount: 100 } };
  const paid = { failing, effects: () => payments.length };
  const kept = (collection: string) => ({ effects: () => db.collection(collection).countDocuments() });
  const mutations: (AuditedMutation<object> & Request)[] = [
    {
      ...{ name: 'GraphQL chargeCard', ...charge, ...paid },
      ...graphql(
        'mutation ($customer: String!, $amount: Int!) { chargeCard(customer: $customer, amount: $amount) { id amount } }',
      ),
    },
    {
      ...{ name: 'GraphQL refundCharge', ...refund, ...kept('refunds') },
      ...graphql(
        'mutation ($charge: ID!, $amount: Int!) { refundCharge(charge: $charge, amount: $amount) { id } }',
      ),
    },
    { name: 'tRPC chargeCard', ...charge, ...kept('charges'), ...trpc('chargeCard') },
    { name: 'tRPC refundCharge', ...refund, ...paid, ...trpc('refundCharge') },
  ];
  return { mutations, provider };
}

const sendTo =
  (url: string) =>
  ({ path, body }: Request, { key, scope, input }: AuditCall<object>) =>
    fetch(url + path, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: scope,
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      body: JSON.stringify(body(input)),
    });

const scopes = ['session-of-ada', 'session-of-bob'] as const;

test('the audit finds nothing in the example shop, with a crash at each point of its runs', async () => {
  const { db } = database;
  const { mutations, provider } = mutationsOf(db);
  await using kit = createTestkit({ leaseMs: 5_000, captureRequest: true });
  await using server = await listen(createServer(createApis(db, kit.idempotency, provider).listener));
  const report = await retryAudit(sendTo(server.url), mutations, { kit, scopes });
  expect(report.findings, String(report)).toEqual([]);
  expect(report.isSound).toBe(true);
  expect(report.untried.map(({ mutation, trial }) => [mutation, trial])).toEqual([
    ['GraphQL refundCharge', 'a failure after the effect'],
    ['tRPC chargeCard', 'a failure after the effect'],
  ]);
});

test('the audit finds nothing in the example shop on MongoDB, and says what it could not try there', async () => {
  const { db } = database;
  const { mutations, provider } = mutationsOf(db);
  const shop = createShop(db, provider);
  await using _ = shop.idempotency;
  await using _dashboard = shop.dashboard;
  await using server = await listen(shop.server);
  const report = await retryAudit(sendTo(server.url), mutations, { scopes });
  expect(report.findings, String(report)).toEqual([]);
  const untried = new Set(report.untried.map(({ trial }) => trial));
  expect(untried).toEqual(new Set(['a failure after the effect', 'a store that is away', 'a crash']));
});
