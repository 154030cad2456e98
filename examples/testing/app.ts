import { createIdempotencyHandler } from '../../plugin/http/index.ts';
import { type Idempotency, requireRun } from '../../server/index.ts';

/** A provider of payments that does the same once for a key, as Stripe does. */
function createProvider() {
  const done: { key: string; what: string; amount: number }[] = [];
  return {
    done,
    async send(what: string, amount: number, key: string) {
      if (!done.some((before) => before.key === key)) done.push({ key, what, amount });
      return { id: `${what}_${done.findIndex((before) => before.key === key) + 1}` };
    },
  };
}

/** The application under test: POST /payments and POST /refunds. */
export function createApp(idempotency: Idempotency) {
  const provider = createProvider();
  const idempotent = createIdempotencyHandler({
    idempotency,
    scope: ({ request }) => request.headers.get('authorization'),
    require: true,
    policy: { onCrash: 'retry' },
  });

  const pay = idempotent(async (request) => {
    const { amount } = (await request.json()) as { amount: number };
    const payment = await requireRun().step('charge', ({ key }) => provider.send('charge', amount, key));
    return Response.json(payment, { status: 201 });
  });

  const refund = idempotent(async (request) => {
    const { amount } = (await request.json()) as { amount: number };
    // A new key with each attempt: after a crash a retry pays back again.
    return Response.json(await provider.send('refund', amount, crypto.randomUUID()), { status: 201 });
  });

  return {
    handle: (request: Request) => (request.url.endsWith('/refunds') ? refund(request) : pay(request)),
    /** Counts what the provider has done: `charge` or `refund`. */
    count: (what: string) => provider.done.filter((done) => done.what === what).length,
  };
}
