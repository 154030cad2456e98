import { callersOf } from './callers.ts';
import type { Receipt } from './payment-app.ts';

/** The payment of the payment app, by each API. */
export const PAYMENT_APIS = callersOf<Receipt, { readonly amount?: number }>({
  name: 'pay',
  query: 'mutation ($amount: Int!) { pay(amount: $amount) { id amount } }',
  input: ({ amount = 1 }) => ({ amount }),
});
