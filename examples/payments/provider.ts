import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';

interface Payment {
  readonly amount: number;
  readonly card: string;
}

interface Stored {
  readonly request: string;
  readonly status: number;
  readonly body: object | string;
}

export interface Provider {
  readonly url: string;
  /** What was charged. */
  readonly charges: readonly object[];
  /** How often somebody asked for a charge. */
  readonly requests: number;
  /** Called when a card was charged, before the answer. */
  onCharged: () => void;
  close(): void;
}

/**
 * A payment provider that honours idempotency keys as the real ones do: it charges once for a key, and answers each
 * repetition with what it answered first. Some cards fail on purpose: `declined`, `busy-once`, and `silent`, which is
 * charged without an answer.
 */
export async function startProvider(): Promise<Provider> {
  const known = new Map<string, Stored>();
  const charges: object[] = [];
  let requests = 0;
  let isBusy = true;

  function charge(key: string, { amount, card }: Payment): Omit<Stored, 'request'> {
    if (card === 'declined') return { status: 402, body: 'card declined' };
    const body = { id: `ch_${randomUUID().slice(0, 8)}`, amount, key };
    charges.push(body);
    provider.onCharged();
    return { status: 201, body };
  }

  async function handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    requests++;
    const key = String(req.headers['idempotency-key']);
    const payment = (await json(req)) as Payment;
    const request = JSON.stringify(payment);
    if (payment.card === 'busy-once' && isBusy) {
      isBusy = false;
      return answer(res, 429, 'busy'); // not remembered: nothing was done
    }
    const stored = known.get(key) ?? { request, ...charge(key, payment) };
    known.set(key, stored);
    if (stored.request !== request) return answer(res, 422, 'this key was used for another payment');
    if (payment.card !== 'silent') answer(res, stored.status, stored.body);
  }

  const server = createServer(handle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const provider: Provider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    charges,
    get requests() {
      return requests;
    },
    onCharged: () => {},
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return provider;
}

function answer(res: ServerResponse, status: number, body: object | string): void {
  res.writeHead(status, { 'content-type': 'application/json' });
  res.end(typeof body === 'string' ? body : JSON.stringify(body));
}
