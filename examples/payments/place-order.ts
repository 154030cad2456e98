import { GraphQLError } from 'graphql';
import type { Db } from 'mongodb';
import type { Run } from '../../server/index.ts';

const PROVIDER_TIMEOUT_MS = 2_000;

export interface OrderInput {
  readonly item: string;
  readonly amount: number;
  readonly card: string;
}

interface Charge {
  readonly id: string;
}

interface StoredOrder {
  readonly _id: string;
  readonly item: string;
  readonly chargeId: string;
  readonly fence: number;
}

/** A charge at the provider and an order of ours: one of each, however often and wherever this runs again. */
export async function placeOrder(run: Run, input: OrderInput, db: Db, provider: string) {
  // Once this is recorded, no later attempt asks the provider again.
  const charge = await run.step('charge', () => chargeCard(run, input, provider));

  // The same id on each attempt, so there is one order. And a process that was overtaken while it hung holds a lower
  // fence than the one that overtook it: its late write finds no order to change, and may not insert another one.
  const id = run.downstreamKey('order');
  const order = { item: input.item, chargeId: charge.id, fence: run.fence };
  await db
    .collection<StoredOrder>('orders')
    .updateOne({ _id: id, fence: { $lte: run.fence } }, { $set: order }, { upsert: true });
  return { id, chargeId: charge.id };
}

async function chargeCard(run: Run, { amount, card }: OrderInput, provider: string): Promise<Charge> {
  const response = await fetch(`${provider}/charges`, {
    method: 'POST',
    // If the process dies before the step is recorded, the next attempt sends this key again, and the provider answers
    // with the charge that it has.
    headers: { 'content-type': 'application/json', 'idempotency-key': run.downstreamKey('charge') },
    body: JSON.stringify({ amount, card }),
    signal: AbortSignal.any([run.signal, AbortSignal.timeout(PROVIDER_TIMEOUT_MS)]),
  }).catch((cause) => {
    run.inDoubt('the provider did not answer'); // charged or not: somebody has to look
    throw cause;
  });
  if (response.status === 429) run.release('the provider was busy'); // not charged: a retry may run
  if (response.status >= 500) run.inDoubt(`the provider failed with ${response.status}`);
  // An error that is neither is the outcome: each retry gets the same refusal.
  if (!response.ok) throw new GraphQLError(`Payment failed: ${await response.text()}`);
  return (await response.json()) as Charge;
}
