import { randomUUID } from 'node:crypto';
import type { Db } from 'mongodb';
import { z } from 'zod';
import { idempotencyDirectives } from '../../plugin/graphql/index.ts';
import { currentRun, type Idempotency, type Policy } from '../../server/index.ts';
import { startThreeApis } from '../support/three-apis.ts';

export interface Receipt {
  readonly id: string;
  readonly amount: number;
}

/** What every API of the app does with an order. */
export type Place = (amount: number) => Promise<Receipt>;

/** A row of the ledger, written in the run's transaction. */
export async function book(db: Db, amount: number): Promise<Receipt> {
  const run = currentRun();
  if (!run?.session) throw new Error('Expected to be in a transaction');
  const id = randomUUID();
  const row = { id, amount, key: run.key, fence: run.fence };
  await db.collection('ledger').insertOne(row, { session: run.session });
  return { id, amount };
}

/** Serves an order and its refund, with transactions, by each API. */
export function startLedgerApp(
  idempotency: Idempotency,
  place: Place,
  policy: Omit<Policy, 'onCrash' | 'concurrent'> = {},
) {
  return startThreeApis({
    idempotency,
    policy: { transaction: true, ...policy },
    maskedErrors: false,
    typeDefs: `
      ${idempotencyDirectives}
      type Receipt { id: ID! amount: Int! }
      type Mutation { order(amount: Int!): Receipt refund(amount: Int!): Receipt! }
    `,
    input: z.object({ amount: z.number() }),
    mutations: {
      order: ({ amount }) => place(amount),
      refund: ({ amount }) => place(-amount),
    },
  });
}
