import { createServer } from 'node:http';
import type { Effect, Receipt } from '../history/history.ts';
import { listen } from '../support/listen.ts';
import { receiptIn } from './receipt.ts';

interface Charge {
  readonly receipt?: string;
  /** The provider knows keys: a second charge with one gets the first one's receipt. */
  readonly key?: string;
  readonly at: number;
  readonly by: number;
}

/** `Provider` charges customers for all apps, outside of every record, and remembers each charge. */
export async function startProvider(onEffect: (effect: Effect) => void) {
  const receipts = new Map<string, string>();
  const answer = ({ receipt, key, at, by }: Charge): string => {
    const known = key === undefined ? undefined : receipts.get(key);
    if (known !== undefined || receipt === undefined) return known ?? '';
    if (key !== undefined) receipts.set(key, receipt);
    onEffect({ ...(receiptIn(receipt) as Receipt), at, by: String(by) });
    return receipt;
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    response.end(answer(JSON.parse(Buffer.concat(chunks).toString())));
  });
  server.keepAliveTimeout = 0;
  return listen(server);
}
