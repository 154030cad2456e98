export interface Call {
  /** Of a server of three APIs. */
  readonly url: string;
  readonly key?: string;
  readonly user?: string;
  readonly mode?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

export interface Answer<Receipt> {
  readonly status: number;
  /** As it came over the wire: replays must be equal to the byte. */
  readonly body: string;
  readonly replayed: boolean;
  readonly retryAfter: string | null;
  /** What the mutation returned, in any API; undefined in a refusal. */
  readonly receipt: Receipt | undefined;
  /** Of a refusal. */
  readonly code: string | undefined;
  readonly reason: string | undefined;
}

interface Operation<Given> {
  readonly name: string;
  /** With a variable for each part of the input. */
  readonly query: string;
  /** Whether the tRPC server has superjson for its transformer. */
  readonly superjson?: boolean;
  input(given: Given): object;
}

/** The same mutation by each API: what is shown for one must hold for the others. */
export function callersOf<Receipt, Given = object>(operation: Operation<Given>) {
  const { name, query, superjson = false } = operation;
  type Caller = (call: Call & Given) => Promise<Answer<Receipt>>;
  const GraphQL: Caller = (call) => sendGraphQL(call, query, operation.input(call), name);
  const tRPC: Caller = (call) => {
    const input = operation.input(call);
    return send(call, `/trpc/${name}`, superjson ? { json: input } : input, ({ result, error }) => ({
      receipt: result?.data as Receipt | undefined,
      refusal: (error?.json ?? error)?.data?.idempotency,
    }));
  };
  const HTTP: Caller = (call) =>
    send(call, `/${name}`, operation.input(call), (body, ok) => ({
      receipt: ok ? (body as Receipt) : undefined,
      refusal: body,
    }));
  return { GraphQL, tRPC, HTTP } as const;
}

/** Sends a document as it is. `field` names the one whose value is the receipt. */
export function sendGraphQL<Receipt>(call: Call, query: string, variables: object = {}, field = '') {
  return send(call, '/graphql', { query, variables }, ({ data, errors }) => ({
    receipt: (data?.[field] ?? undefined) as Receipt | undefined,
    refusal: errors?.[0]?.extensions,
  }));
}

interface Refusal {
  readonly code?: string;
  readonly reason?: string;
}

/** Of any of the APIs. */
interface Body extends Refusal {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly extensions?: Refusal }[];
  readonly result?: { readonly data: unknown };
  readonly error?: TrpcError & { readonly json?: TrpcError };
}

interface TrpcError {
  readonly data?: { readonly idempotency?: Refusal };
}

async function send<Receipt>(
  { url, key, user = 'alice', mode, headers, signal }: Call,
  path: string,
  body: object,
  read: (body: Body, ok: boolean) => { receipt: Receipt | undefined; refusal: Refusal | undefined },
): Promise<Answer<Receipt>> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-user': user,
      ...(key !== undefined && { 'idempotency-key': key }),
      ...(mode && { 'x-mode': mode }),
      ...headers,
    },
    body: JSON.stringify(body),
    ...(signal && { signal }),
  });
  const text = await response.text();
  // A host that failed answers in words.
  const { receipt, refusal } = read(text.startsWith('{') ? JSON.parse(text) : {}, response.ok);
  return {
    status: response.status,
    body: text,
    replayed: response.headers.get('idempotent-replayed') === 'true',
    retryAfter: response.headers.get('retry-after'),
    receipt,
    code: refusal?.code,
    reason: refusal?.reason,
  };
}
