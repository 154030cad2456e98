import { fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const CUSTOMERS_AT_ONCE = 4;
const CRASH_EVERY_MS = 60_000;
const SCOPES = ['shop-berlin', 'shop-lagos', 'shop-lima', 'shop-osaka'];

interface Payment {
  readonly path: string;
  readonly scope: string;
  readonly key: string;
  readonly body: object;
}

/** `Traffic` is customers of a shop, a few at a time, and now and then a server of it that is killed. */
export class Traffic {
  readonly #stop = new AbortController();
  readonly #ended: Promise<unknown>;

  constructor(base: string, database: { readonly uri: string; readonly database: string }) {
    const customers = Array.from({ length: CUSTOMERS_AT_ONCE }, () =>
      this.#again(
        () => 2_000 * Math.random(),
        () => shopper(base, Math.random),
      ),
    );
    this.#ended = Promise.all([
      ...customers,
      this.#again(
        () => CRASH_EVERY_MS,
        () => crash(database),
      ),
    ]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async #again(pauseMs: () => number, body: () => Promise<void>): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await body();
      await pause(pauseMs(), undefined, { signal }).catch(() => {});
    }
  }
}

/** Resolves when the server has been killed. */
export async function crash({ uri, database }: { uri: string; database: string }): Promise<void> {
  const file = fileURLToPath(new URL('./doomed-worker.ts', import.meta.url));
  await once(fork(file, [uri, database], { execArgv: ['--import', 'tsx'] }), 'exit');
}

/**
 * One customer's payment as real clients send them: mostly once, some again after a lost answer, some twice at the same
 * moment, a few with a key that was used for another amount.
 */
export async function shopper(base: string, random: () => number): Promise<void> {
  const payment = paymentOf(random);
  const mood = random();
  if (mood < 0.08) {
    await Promise.all([send(base, payment), send(base, payment)]);
    return;
  }
  await send(base, payment);
  if (mood < 0.3) await send(base, payment);
  if (mood < 0.02) await send(base, { ...payment, body: paymentOf(random).body });
}

/** Rejects with the connection: a shop that is killed gives no answer. */
export async function send(base: string, { path, scope, key, body }: Payment): Promise<void> {
  const response = await fetch(base + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: scope, 'idempotency-key': key },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
}

export function paymentOf(random: () => number): Payment {
  const pick = <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T;
  const amount = 100 + Math.floor(random() * 20_000);
  const isRefund = random() < 0.2;
  const call = isRefund
    ? { name: 'refundCharge', input: { charge: `ch_${randomUUID().slice(0, 8)}`, amount } }
    : { name: 'chargeCard', input: { customer: `customer-${Math.floor(random() * 500)}`, amount } };
  const address = { scope: pick(SCOPES), key: `${isRefund ? 'refund' : 'order'}-${randomUUID()}` };
  if (random() < 0.5) return { ...address, path: `/trpc/${call.name}`, body: call.input };
  const query = isRefund
    ? 'mutation Refund($charge: ID!, $amount: Int!) { refundCharge(charge: $charge, amount: $amount) { id amount } }'
    : 'mutation Pay($customer: String!, $amount: Int!) { chargeCard(customer: $customer, amount: $amount) { id amount } }';
  return { ...address, path: '/graphql', body: { query, variables: call.input } };
}
