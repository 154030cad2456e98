import { randomUUID } from 'node:crypto';
import type { Db } from 'mongodb';
import { startWorker, type WorkerProcess } from '../../test/support/worker.ts';
import type { Provider } from './provider.ts';

export interface Line {
  readonly what: string;
  readonly got: string;
  readonly right: boolean;
}

interface Answer {
  readonly data?: { readonly placeOrder: { readonly id: string; readonly chargeId: string } } | null;
  readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code?: string } }[];
}

const SHOP = new URL('./shop/main.ts', import.meta.url);

/** Tells a day with crashes and a provider in a bad mood: each line is what happened and what came of it. */
export async function* story(uri: string, db: Db, provider: Provider): AsyncGenerator<Line> {
  const start = async (failsAfter = '') => {
    const shop = await startWorker(SHOP, { args: [uri, db.databaseName, provider.url, failsAfter] });
    return { shop, url: await shop.next<string>() };
  };
  const counts = async () =>
    `${provider.charges.length} charged, ${await db.collection('orders').countDocuments()} ordered`;

  yield { what: 'the shop loses power after the charge', ...(await crash(await start('charge'), 'order-1')) };
  yield { what: '', got: await counts(), right: (await counts()) === '1 charged, 0 ordered' };

  const { shop, url } = await start();
  await using _ = shop;
  const first = await send(url, 'order-1');
  yield {
    what: 'the client retries with the same key',
    got: said(first),
    right: first.data?.placeOrder.chargeId === idOf(provider.charges[0]),
  };
  yield {
    what: '',
    got: `${await counts()}; the provider was asked ${provider.requests} time`,
    right: (await counts()) === '1 charged, 1 ordered' && provider.requests === 1,
  };

  const doomed = await start();
  provider.onCharged = () => doomed.shop.kill('SIGKILL');
  yield { what: 'a shop dies before it hears of its charge', ...(await crash(doomed, 'order-2')) };
  provider.onCharged = () => {};
  const second = await send(url, 'order-2');
  yield {
    what: 'the client retries with the same key',
    got: said(second),
    right: second.data?.placeOrder.chargeId === idOf(provider.charges[1]),
  };
  yield {
    what: '',
    got: `${await counts()}; the provider was asked again, and knew the key`,
    right: (await counts()) === '2 charged, 2 ordered' && provider.requests === 3,
  };

  const busy = await send(url, 'order-3', 'busy-once');
  yield {
    what: 'the provider is busy (release)',
    got: said(busy),
    right: said(busy) === 'Payment failed: busy',
  };
  const third = await send(url, 'order-3', 'busy-once');
  yield { what: 'the client retries with the same key', got: said(third), right: third.data != null };

  const declined = [await send(url, 'order-4', 'declined'), await send(url, 'order-4', 'declined')];
  yield {
    what: 'a card is declined, and is so on a retry',
    got: declined.map(said).join(', '),
    right:
      declined.every((answer) => said(answer) === 'Payment failed: card declined') && provider.requests === 6,
  };

  await send(url, 'order-5', 'silent');
  const doubtful = await send(url, 'order-5', 'silent');
  yield {
    what: 'the provider never answers (inDoubt)',
    got: `a retry gets ${doubtful.errors?.[0]?.extensions.code}: an operator decides`,
    right: doubtful.errors?.[0]?.extensions.code === 'IDEMPOTENCY_IN_DOUBT' && provider.requests === 7,
  };
}

const run = randomUUID();

async function send(url: string, key: string, card = 'visa'): Promise<Answer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: 'session-of-ada',
      'idempotency-key': `${run}-${key}`,
    },
    body: JSON.stringify({
      query: `mutation ($card: String!) { placeOrder(item: "lamp", amount: 40, card: $card) { id chargeId } }`,
      variables: { card },
    }),
  });
  return (await response.json()) as Answer;
}

async function crash({ shop, url }: { shop: WorkerProcess; url: string }, key: string) {
  const answer = await send(url, key).then(said, () => 'the connection broke before the answer');
  const { signal } = await shop.exit;
  return { got: answer, right: signal === 'SIGKILL' };
}

const idOf = (charge: object | undefined) => (charge as { id: string } | undefined)?.id;

function said({ data, errors }: Answer): string {
  if (data) return `order ${data.placeOrder.id.slice(0, 8)}…, charge ${data.placeOrder.chargeId}`;
  return errors?.[0]?.message ?? 'nothing';
}
