import { type Idempotency, isIdempotencyError, type Run } from '../../server/index.ts';

export interface StripeEvent {
  readonly id: string;
  readonly type: string;
  readonly data: { readonly object: unknown };
}

interface Shop {
  readonly idempotency: Idempotency;
  /** `stripe.webhooks.constructEvent` with your secret: it throws where the signature is not Stripe's. */
  readEvent(body: string, signature: string | null): StripeEvent;
  fulfil(event: StripeEvent, run: Run): Promise<void>;
}

const DAY = 24 * 3_600_000;

/** The endpoint that Stripe calls, often more than once for one event. */
export function createStripeWebhook({ idempotency, readEvent, fulfil }: Shop) {
  return async function stripeWebhook(request: Request): Promise<Response> {
    let event: StripeEvent;
    try {
      event = readEvent(await request.text(), request.headers.get('stripe-signature'));
    } catch {
      return new Response('not signed by Stripe', { status: 400 });
    }
    try {
      await idempotency.run(
        { scope: 'stripe', key: event.id, operation: event.type },
        (run) => fulfil(event, run),
        { retentionMs: 35 * DAY }, // longer than Stripe delivers an event again, by itself or by hand
      );
      return new Response('done');
    } catch (error) {
      if (!isIdempotencyError(error)) throw error; // fulfil's own: a 500, and Stripe delivers the event again
      // Still running, in doubt, the store is away: Stripe delivers it again, until it is done.
      return new Response(error.code, { status: error.status });
    }
  };
}
