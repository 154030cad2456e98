import { z } from 'zod';
import { currentRun, type Idempotency, type Policy, type Run } from '../../server/index.ts';
import { callersOf } from '../support/callers.ts';
import { startThreeApis } from '../support/three-apis.ts';

export interface Order {
  readonly charge: string;
  readonly shipment: string;
}

export type PlaceOrder = (run: Run, mode: string | undefined) => Promise<Order>;

/** Serves one mutation of two steps by each API. */
export function startOrderApp(idempotency: Idempotency, placeOrder: PlaceOrder, policy: Policy = {}) {
  return startThreeApis({
    idempotency,
    policy,
    typeDefs: `
      type Order { charge: String! shipment: String! }
      type Mutation { order(item: String!): Order! }
    `,
    input: z.object({ item: z.string() }),
    mutations: { order: (_, mode) => placeOrder(currentRun() as Run, mode) },
  });
}

export const ORDER_APIS = callersOf<Order>({
  name: 'order',
  query: 'mutation ($item: String!) { order(item: $item) { charge shipment } }',
  input: () => ({ item: 'lamp' }),
});
