import { type Answer, type Call, callersOf, sendGraphQL } from '../support/callers.ts';
import type { Receipt } from './ledger-app.ts';

type Order = Call & { readonly amount?: number };

const { GraphQL, tRPC, HTTP } = callersOf<Receipt, Order>({
  name: 'order',
  query: 'mutation ($amount: Int!) { order(amount: $amount) { id amount } }',
  input: ({ amount = 1 }) => ({ amount }),
});

const KEYED_FIELD =
  'mutation ($amount: Int!, $key: String!) { order(amount: $amount) @idempotent(key: $key) { id amount } }';

/** The same order by each API. */
export const ORDER_APIS = {
  GraphQL,
  'GraphQL with a key for the field': ({ key, amount = 1, ...order }: Order): Promise<Answer<Receipt>> =>
    sendGraphQL(order, KEYED_FIELD, { amount, key }, 'order'),
  tRPC,
  HTTP,
} as const;
