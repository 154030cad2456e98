export interface PaymentRequest {
  readonly url: string;
  readonly key?: string;
  readonly amount?: number;
  readonly user?: string;
  readonly mode?: string;
  readonly signal?: AbortSignal;
}

export interface PaymentAnswer {
  readonly status: number;
  /** As it came over the wire: replays must be equal to the byte. */
  readonly body: string;
  readonly replayed: boolean;
  readonly retryAfter: string | null;
  /** Of any API; undefined in a refusal. */
  readonly receipt:
    | { readonly id: string; readonly amount: number; readonly note: string | null }
    | undefined;
}

/** The same payment by each API: what is shown for one must hold for the others. */
export const PAYMENT_APIS = {
  GraphQL: (request: PaymentRequest) =>
    send(`${request.url}/graphql`, request, {
      query: 'mutation ($amount: Int!) { pay(amount: $amount) { id amount note } }',
      variables: { amount: request.amount ?? 1 },
    }),
  tRPC: (request: PaymentRequest) =>
    send(`${request.url}/trpc/pay`, request, { amount: request.amount ?? 1 }),
  HTTP: (request: PaymentRequest) =>
    send(`${request.url}/payments`, request, { amount: request.amount ?? 1 }),
} as const;

async function send(
  url: string,
  { key, user = 'alice', mode, signal }: PaymentRequest,
  body: object,
): Promise<PaymentAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-user': user,
      ...(key !== undefined && { 'idempotency-key': key }),
      ...(mode && { 'x-mode': mode }),
    },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text,
    replayed: response.headers.get('idempotent-replayed') === 'true',
    retryAfter: response.headers.get('retry-after'),
    receipt: receiptIn(JSON.parse(text)),
  };
}

interface Body {
  readonly data?: { readonly pay: PaymentAnswer['receipt'] } | null;
  readonly result?: { readonly data: PaymentAnswer['receipt'] };
  /** Of plain HTTP, whose body is the receipt. */
  readonly id?: string;
}

function receiptIn(body: Body): PaymentAnswer['receipt'] {
  if (body.id !== undefined) return body as PaymentAnswer['receipt'];
  return body.data?.pay ?? body.result?.data;
}
