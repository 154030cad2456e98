import { z } from 'zod';
import { createIdempotency, type IdempotencyOptions } from '../../server/index.ts';
import { callersOf } from '../support/callers.ts';
import { emptyDatabase } from '../support/database.ts';
import { startThreeApis, type ThreeApisOptions } from '../support/three-apis.ts';
import { uncountedStore } from '../support/uncounted-store.ts';

interface Receipt {
  readonly run: number;
}

/** `PAY` sends the mutation `pay` by each API. */
export const PAY = callersOf<Receipt>({
  name: 'pay',
  query: 'mutation { pay { run } }',
  input: () => ({}),
});

type Options = Partial<Omit<ThreeApisOptions<object>, 'idempotency' | 'mutations' | 'input' | 'typeDefs'>> & {
  readonly engine?: Partial<IdempotencyOptions>;
  /** Runs in the mutation. */
  readonly onRun?: (mode: string | undefined) => unknown;
};

/** Starts a server of three APIs whose options are decided by request, with an empty database behind it. */
export async function startByRequest({ engine, onRun, ...options }: Options = {}) {
  const database = await emptyDatabase();
  const store = uncountedStore({ db: database.db });
  const idempotency = createIdempotency({ store, ...engine });
  const runs: (string | undefined)[] = [];
  const apis = await startThreeApis({
    ...options,
    idempotency,
    typeDefs: 'type Mutation { pay: Paid } type Paid { run: Int }',
    input: z.object({}),
    mutations: {
      pay: async (_, mode) => {
        runs.push(mode);
        await onRun?.(mode);
        return { run: runs.length };
      },
    },
  });
  return {
    url: apis.url,
    idempotency,
    runs,
    records: () => database.db.collection('idempotency_keys').find().sort({ key: 1 }).toArray(),
    async [Symbol.asyncDispose]() {
      await apis[Symbol.asyncDispose]();
      await idempotency.close();
      await database[Symbol.asyncDispose]();
    },
  };
}
