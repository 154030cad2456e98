import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';

export interface Line {
  readonly what: string;
  readonly got: string;
  readonly right: boolean;
}

interface Charge {
  readonly id: string;
  readonly amount: number;
}

interface Api {
  readonly name: string;
  readonly path: string;
  body(amount: number): object;
  charge(answer: Answer): Charge | undefined;
}

interface Answer {
  readonly status: number;
  readonly replayed: boolean;
  readonly json: {
    readonly data?: { readonly chargeCard?: Charge } | null;
    readonly errors?: readonly { readonly message: string }[];
    readonly result?: { readonly data: Charge };
    readonly error?: { readonly message: string };
  };
}

const customer = 'ada';

export const APIS: readonly Api[] = [
  {
    name: 'GraphQL',
    path: '/graphql',
    body: (amount) => ({
      query: `mutation Pay($customer: String!, $amount: Int!) {
        chargeCard(customer: $customer, amount: $amount) { id amount }
      }`,
      variables: { customer, amount },
    }),
    charge: ({ json }) => json.data?.chargeCard,
  },
  {
    name: 'tRPC',
    path: '/trpc/chargeCard',
    body: (amount) => ({ customer, amount }),
    charge: ({ json }) => json.result?.data,
  },
];

/** Tells a client's bad day with one key: each line is what it did and what it got. */
export async function* story(
  base: string,
  api: Api,
  charges: (key: string) => Promise<number>,
): AsyncGenerator<Line> {
  const key = randomUUID();
  const pay = (amount: number) => send(base, api, key, amount);

  await sendAndLoseAnswer(base, api, key, 100);
  yield { what: 'sends a payment of 100', got: 'the connection broke before the answer', right: true };

  const retry = await pay(100);
  const id = api.charge(retry)?.id;
  yield {
    what: 'retries with the same key',
    got: `${retry.status}, charge ${id}${retry.replayed ? ', replayed' : ''}`,
    right: retry.status === 200 && retry.replayed && id !== undefined,
  };

  const duplicates = await Promise.all(Array.from({ length: 20 }, () => pay(100)));
  const ids = new Set(duplicates.map((answer) => api.charge(answer)?.id));
  yield {
    what: 'sends it 20 times at once',
    got: `${counted(duplicates.map(({ status }) => status))}, charge ${[...ids].join(' and ')}`,
    right: duplicates.every(({ status }) => status === 200) && ids.size === 1 && ids.has(id),
  };

  const other = await pay(999);
  yield {
    what: 'uses the key for 999 instead',
    got: `${other.status}, ${messageOf(other)}`,
    right: other.status === 422,
  };

  const count = await charges(key);
  yield { what: 'counts the charges', got: `${count}`, right: count === 1 };
}

async function send(base: string, api: Api, key: string, amount: number): Promise<Answer> {
  const response = await fetch(base + api.path, {
    method: 'POST',
    headers: headersOf(key),
    body: JSON.stringify(api.body(amount)),
  });
  const replayed = response.headers.get('idempotent-replayed') === 'true';
  return { status: response.status, replayed, json: (await response.json()) as Answer['json'] };
}

/** Cuts the connection as the first bytes of the answer arrive: the payment went through, and the client can not know. */
function sendAndLoseAnswer(base: string, api: Api, key: string, amount: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(base + api.path, { method: 'POST', headers: headersOf(key) });
    request.on('response', (response) => {
      response.destroy();
      resolve();
    });
    request.on('error', reject);
    request.end(JSON.stringify(api.body(amount)));
  });
}

const headersOf = (key: string) => ({
  'content-type': 'application/json',
  authorization: 'session-of-ada',
  'idempotency-key': key,
});

const messageOf = ({ json }: Answer) => json.errors?.[0]?.message ?? json.error?.message;

function counted(statuses: readonly number[]): string {
  return [...new Set(statuses)]
    .map((status) => `${statuses.filter((other) => other === status).length} × ${status}`)
    .join(', ');
}
