import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { currentRun, type Idempotency } from '../../server/index.ts';
import { startThreeApis, type ThreeApisOptions } from './three-apis.ts';

export interface Payment {
  readonly amount: number;
  readonly mode: string | undefined;
}

export interface Receipt {
  readonly id: string;
  readonly amount: number;
}

/** Serves one payment mutation by each API. */
export function startPaymentApp(
  idempotency: Idempotency,
  pay: (payment: Payment) => Promise<void>,
  options: Pick<ThreeApisOptions<{ amount: number }>, 'require'> = {},
) {
  return startThreeApis({
    ...options,
    idempotency,
    typeDefs: `
      type Receipt { id: ID! amount: Int! }
      type Mutation { pay(amount: Int!): Receipt! }
    `,
    input: z.object({ amount: z.number().int() }),
    mutations: {
      async pay({ amount }, mode): Promise<Receipt> {
        await pay({ amount, mode });
        return { id: randomUUID(), amount };
      },
    },
  });
}

/** What a handler writes down about itself: `executions` counts runs, not answers. */
export function execution(amount: number) {
  const run = currentRun();
  return {
    key: run?.key,
    scope: run?.scope,
    attempt: run?.attempt,
    fence: run?.fence,
    amount,
    pid: process.pid,
  };
}
