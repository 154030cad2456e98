import { createTestkit, retryAudit } from '../../server/testing/index.ts';
import { createApp } from './app.ts';

await using kit = createTestkit();
const app = createApp(kit.idempotency);

const report = await retryAudit(
  ({ path }, { key, scope, input }) =>
    app.handle(
      new Request(`http://shop${path}`, {
        method: 'POST',
        headers: { authorization: scope, ...(key !== undefined && { 'idempotency-key': key }) },
        body: JSON.stringify(input),
      }),
    ),
  [
    {
      name: 'pay',
      path: '/payments', // a field of our own, for the function above
      input: { amount: 5 },
      otherInput: { amount: 6 },
      effects: () => app.count('charge'),
    },
    {
      name: 'refund',
      path: '/refunds',
      input: { amount: 5 },
      otherInput: { amount: 6 },
      effects: () => app.count('refund'),
    },
  ],
  { kit, scopes: ['ada', 'bob'] },
);
console.log(String(report));
