import { type Idempotency, isIdempotencyError, type Run } from '../../server/index.ts';

/** A message as SQS, RabbitMQ and Pub/Sub deliver it: at least once, with an id that stays the same. */
export interface Message {
  readonly id: string;
  readonly body: { readonly order: string; readonly parcel: { readonly grams: number } };
}

/** An `Answer` tells the queue what to do with the message. */
export type Answer =
  | { readonly do: 'ack' | 'dead_letter' }
  | { readonly do: 'retry'; readonly afterMs: number };

interface Warehouse {
  readonly idempotency: Idempotency;
  /** The carrier honours idempotency keys: the same key is the same label. */
  buyLabel(grams: number, options: { idempotencyKey: string; signal: AbortSignal }): Promise<{ id: string }>;
  markShipped(order: string, label: string): Promise<void>;
}

export function createConsumer({ idempotency, buyLabel, markShipped }: Warehouse) {
  return async function consume({ id, body }: Message): Promise<Answer> {
    try {
      await idempotency.run(
        { scope: 'shipping', key: id, operation: 'ship', input: body },
        (run) => ship(run, body),
        { concurrent: 'reject', retentionMs: 14 * 24 * 3_600_000 }, // as long as the queue keeps a message
      );
      return { do: 'ack' };
    } catch (error) {
      if (!isIdempotencyError(error)) return { do: 'retry', afterMs: 1_000 };
      return error.retryable ? { do: 'retry', afterMs: error.retryAfterMs ?? 1_000 } : { do: 'dead_letter' };
    }
  };

  async function ship(run: Run, { order, parcel }: Message['body']) {
    // Once this is recorded, no later delivery buys another label.
    const label = await run.step('label', ({ key, signal }) =>
      buyLabel(parcel.grams, { idempotencyKey: key, signal }),
    );
    try {
      await markShipped(order, label.id);
    } catch (error) {
      run.release('the order was not marked'); // to mark it twice does no harm: the next delivery goes on from here
      throw error;
    }
    return label;
  }
}
