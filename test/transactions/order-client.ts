import type { Receipt } from './ledger-app.ts';

export interface Order {
  readonly url: string;
  readonly key: string;
  readonly amount?: number;
  readonly signal?: AbortSignal;
}

export interface OrderAnswer {
  readonly status: number;
  /** As it came over the wire. */
  readonly body: string;
  readonly replayed: boolean;
  /** Undefined in an error. */
  readonly receipt: Receipt | undefined;
  /** Of a refusal. */
  readonly code: string | undefined;
}

/** The same order by each API. */
export const ORDER_APIS = {
  GraphQL: ({ url, amount = 1, ...order }: Order) =>
    send(`${url}/graphql`, order, {
      query: 'mutation ($amount: Int!) { order(amount: $amount) { id amount } }',
      variables: { amount },
    }),
  'GraphQL with a key for the field': ({ url, key, amount = 1, ...order }: Order) =>
    send(`${url}/graphql`, order, {
      query:
        'mutation ($amount: Int!, $key: String!) { order(amount: $amount) @idempotent(key: $key) { id amount } }',
      variables: { amount, key },
    }),
  tRPC: ({ url, amount = 1, ...order }: Order) => send(`${url}/trpc/order`, order, { amount }),
  HTTP: ({ url, amount = 1, ...order }: Order) => send(`${url}/orders`, order, { amount }),
} as const;

export async function send(
  url: string,
  { key, signal }: { key?: string; signal?: AbortSignal },
  body: object,
): Promise<OrderAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-user': 'alice',
      ...(key !== undefined && { 'idempotency-key': key }),
    },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text,
    replayed: response.headers.get('idempotent-replayed') === 'true',
    ...read(text),
  };
}

function read(text: string): Pick<OrderAnswer, 'receipt' | 'code'> {
  const { data, errors, result, error, ...rest } = parsed(text);
  const receipt = data?.order ?? result?.data ?? (rest.id === undefined ? undefined : rest);
  const code = errors?.[0]?.extensions?.code ?? error?.data?.idempotency?.code ?? rest.code;
  return { receipt: receipt as Receipt | undefined, code };
}

interface Body {
  readonly id?: string;
  readonly amount?: number;
  readonly code?: string;
  readonly data?: { readonly order?: Receipt | null } | null;
  readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[];
  readonly result?: { readonly data: Receipt };
  readonly error?: { readonly data?: { readonly idempotency?: { readonly code: string } } };
}

/** A host that failed answers in words. */
function parsed(text: string): Body {
  return text.startsWith('{') ? JSON.parse(text) : {};
}
