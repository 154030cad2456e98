import { expect, test } from 'vitest';
import { type AuditFault, retryAudit } from '../../server/testing/index.ts';
import { PAYMENT_APIS } from '../support/payment-client.ts';
import { type PaymentServer, startFleet } from '../support/payment-fleet.ts';

// It waits for a lease and for processes of its own.
const ASIDE = { concurrent: true, timeout: 120_000 };

test.each<
  [what: string, onCrash: 'in_doubt' | 'retry', api: keyof typeof PAYMENT_APIS, faults: AuditFault[]]
>([
  ['a crash that is left in doubt is sound', 'in_doubt', 'GraphQL', []],
  ['a crash that is retried without a downstream key is found', 'retry', 'tRPC', ['crash_runs_again']],
])(
  'the audit of payments on MongoDB, one of whose servers is killed: %s',
  ASIDE,
  async (_, onCrash, api, faults) => {
    await using fleet = await startFleet(2, { leaseMs: 1_000, waitTimeoutMs: 20_000, onCrash });
    const [first, second] = fleet.servers as [PaymentServer, PaymentServer];
    let { url } = first;
    let mode: 'hold' | 'throw' | undefined;
    const report = await retryAudit(
      async (_, { key, scope: user, input }) => {
        const call = { url, user, ...input, ...(key !== undefined && { key }), ...(mode && { mode }) };
        const { status, body } = await PAYMENT_APIS[api](call);
        return { status, body: JSON.parse(body) };
      },
      [
        {
          name: 'pay',
          input: { amount: 1 },
          otherInput: { amount: 2 },
          failing: {
            arrange: () => {
              mode = 'throw';
            },
            restore: () => {
              mode = undefined;
            },
          },
          keyless: 'allowed',
          effects: async () => (await fleet.executions()).length,
        },
      ],
      {
        scopes: ['alice', 'bob'],
        async crash(work) {
          mode = 'hold';
          void work();
          await first.holding();
          mode = undefined;
          await first.process.kill('SIGKILL');
          ({ url } = second); // a retry waits there until the lease has lapsed
        },
      },
    );
    expect(
      report.findings.map(({ fault }) => fault),
      String(report),
    ).toEqual(faults);
    expect(report.untried.map(({ trial }) => trial)).toEqual(['a store that is away']);
  },
);
