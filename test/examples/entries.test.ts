import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test, vi } from 'vitest';
import { createConsumer, type Message } from '../../examples/entries/queue-consumer.ts';
import { createStripeWebhook, type StripeEvent } from '../../examples/entries/webhook.ts';
import { createIdempotency, type Run } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { emptyDatabase } from '../support/database.ts';
import { gate } from '../support/gate.ts';

const read = (file: string) => readFile(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');

async function openKeys() {
  const database = await emptyDatabase();
  const idempotency = createIdempotency({ store: createMongoStore({ db: database.db }) });
  return {
    idempotency,
    async [Symbol.asyncDispose]() {
      await idempotency.close();
      await database[Symbol.asyncDispose]();
    },
  };
}

/** Reads an example as a user would write it: it stands in this repository, so it imports the sources. */
const exampleOf = async (file: string) =>
  (await read(`examples/entries/${file}`)).replace('../../server/index.ts', 'latchkey');

test('the guide shows the code that runs', async () => {
  const guide = await read('docs/any-entry.md');
  const [, webhook, consumer] = [...guide.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code]) => code);
  expect(webhook).toBe(await exampleOf('webhook.ts'));
  expect(consumer).toBe(await exampleOf('queue-consumer.ts'));
});

describe('the webhook of the guide', () => {
  const sign = (body: string) => createHmac('sha256', 'whsec').update(body).digest('hex');
  const readEvent = (body: string, signature: string | null) => {
    if (signature !== sign(body)) throw new Error('wrong signature');
    return JSON.parse(body) as StripeEvent;
  };
  /** Makes a delivery of one event. Stripe changes `pending_webhooks` from one to the next. */
  function delivery(pending_webhooks: number) {
    const body = JSON.stringify({
      id: 'evt_1',
      type: 'invoice.paid',
      pending_webhooks,
      data: { object: {} },
    });
    return new Request('http://x/stripe', {
      method: 'POST',
      headers: { 'stripe-signature': sign(body) },
      body,
    });
  }

  test('fulfils an event once, however often it is delivered', async () => {
    await using keys = await openKeys();
    const fulfil = vi.fn(async () => {});
    const webhook = createStripeWebhook({ ...keys, readEvent, fulfil });
    const statuses = (await Promise.all([1, 2, 2].map((n) => webhook(delivery(n))))).map((r) => r.status);
    expect(statuses).toEqual([200, 200, 200]);
    expect((await webhook(delivery(3))).status).toBe(200);
    expect(fulfil).toHaveBeenCalledTimes(1);
  });

  test('fulfils an event again that was released, and not one that is in doubt', async () => {
    await using keys = await openKeys();
    const fulfil = vi.fn(async (_: StripeEvent, run: Run) => {
      if (run.attempt === 1) run.release('the mail server was busy');
      throw new Error('failed');
    });
    const webhook = createStripeWebhook({ ...keys, readEvent, fulfil });
    await expect(webhook(delivery(1))).rejects.toThrow('failed');
    await expect(webhook(delivery(1))).rejects.toThrow('failed');
    const third = await webhook(delivery(1));
    expect([third.status, await third.text()]).toEqual([409, 'IDEMPOTENCY_IN_DOUBT']);
    expect(fulfil).toHaveBeenCalledTimes(2);
  });

  test('refuses what is not signed', async () => {
    await using keys = await openKeys();
    const webhook = createStripeWebhook({ ...keys, readEvent, fulfil: async () => {} });
    expect((await webhook(new Request('http://x', { method: 'POST', body: '{}' }))).status).toBe(400);
  });
});

describe('the consumer of the guide', () => {
  const message: Message = { id: 'msg_1', body: { order: 'o_1', parcel: { grams: 500 } } };

  test('buys one label, and goes on from it where the order could not be marked', async () => {
    await using keys = await openKeys();
    const buyLabel = vi.fn(async () => ({ id: 'l_1' }));
    const markShipped = vi.fn(async () => {}).mockRejectedValueOnce(new Error('no primary'));
    const consume = createConsumer({ ...keys, buyLabel, markShipped });
    expect(await consume(message)).toEqual({ do: 'retry', afterMs: 1_000 });
    expect(await consume(message)).toEqual({ do: 'ack' });
    expect(await consume(message)).toEqual({ do: 'ack' });
    expect(buyLabel).toHaveBeenCalledTimes(1);
    expect(markShipped.mock.calls).toEqual([
      ['o_1', 'l_1'],
      ['o_1', 'l_1'],
    ]);
  });

  test('sends a delivery back that comes meanwhile, and another message with the same id to the dead letters', async () => {
    await using keys = await openKeys();
    const [started, end] = [gate(), gate()];
    const buyLabel = async () => {
      started.open();
      await end;
      return { id: 'l_1' };
    };
    const consume = createConsumer({ ...keys, buyLabel, markShipped: async () => {} });
    const first = consume(message);
    await started;
    expect(await consume(message)).toEqual({ do: 'retry', afterMs: expect.any(Number) });
    end.open();
    expect(await first).toEqual({ do: 'ack' });
    const other = { ...message, body: { ...message.body, order: 'o_2' } };
    expect(await consume(other)).toEqual({ do: 'dead_letter' });
  });

  test('leaves a message in doubt whose label may have been bought', async () => {
    await using keys = await openKeys();
    const buyLabel = vi.fn().mockRejectedValue(new Error('no answer'));
    const consume = createConsumer({ ...keys, buyLabel, markShipped: async () => {} });
    expect(await consume(message)).toEqual({ do: 'retry', afterMs: 1_000 });
    expect(await consume(message)).toEqual({ do: 'dead_letter' });
    expect(buyLabel).toHaveBeenCalledTimes(1);
  });
});
