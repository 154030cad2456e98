import { callersOf } from './callers.ts';
import type { Receipt } from './payment-app.ts';

/** The payment of the payment app, by each API. */
export const PAYMENT_APIS = callersOf<Receipt, { readonly amount?: number }>({
  name: 'pay',
  query: 'mutation ($amount: Int!) { pay(amount: $amount) { id amount } }',
  input: ({ amount = 1 }) => ({ amount }),
});

type Api = (typeof PAYMENT_APIS)[keyof typeof PAYMENT_APIS];

/** Does the same by each API at once. The name of the API serves as a key, or as a part of one. */
export function byEachApi<T>(run: (pay: Api, api: string) => Promise<T>): Promise<T[]> {
  return Promise.all(Object.entries(PAYMENT_APIS).map(([api, pay]) => run(pay, api)));
}
