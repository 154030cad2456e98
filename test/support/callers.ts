import type { IncomingHttpHeaders } from 'node:http';
import { post } from './post.ts';

export interface Call {
  /** Of a server of three APIs. */
  readonly url: string;
  readonly key?: string;
  readonly user?: string;
  readonly mode?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Is told the headers of the answer. */
  readonly onHeaders?: (headers: IncomingHttpHeaders) => void;
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
  readonly retryable: boolean | undefined;
  readonly recordId: string | undefined;
  /** What the client does with its key. */
  readonly keyUse: string | undefined;
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
      refused: (error?.json ?? error)?.data,
    }));
  };
  const HTTP: Caller = (call) =>
    send(call, `/${name}`, operation.input(call), (body, ok) => ({
      receipt: ok ? (body as Receipt) : undefined,
      refused: body,
    }));
  return { GraphQL, tRPC, HTTP } as const;
}

/** Sends a document as it is. `field` names the one whose value is the receipt. */
export function sendGraphQL<Receipt>(call: Call, query: string, variables: object = {}, field = '') {
  return send(call, '/graphql', { query, variables }, ({ data, errors }) => ({
    receipt: (data?.[field] ?? undefined) as Receipt | undefined,
    refused: errors?.[0]?.extensions,
  }));
}

/** The one object by which each API tells of a refusal. */
interface Refused {
  readonly idempotency?: {
    readonly code: string;
    readonly reason?: string;
    readonly retryable: boolean;
    readonly recordId?: string;
    readonly key: string;
  };
}

/** Of any of the APIs. */
interface Body extends Refused {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly extensions?: Refused }[];
  readonly result?: { readonly data: unknown };
  readonly error?: TrpcError & { readonly json?: TrpcError };
}

interface TrpcError {
  readonly data?: Refused;
}

async function send<Receipt>(
  { url, key, user = 'alice', mode, headers, signal, onHeaders }: Call,
  path: string,
  body: object,
  read: (body: Body, ok: boolean) => { receipt: Receipt | undefined; refused: Refused | undefined },
): Promise<Answer<Receipt>> {
  const answer = await post(`${url}${path}`, {
    headers: {
      'content-type': 'application/json',
      'x-user': user,
      ...(key !== undefined && { 'idempotency-key': key }),
      ...(mode && { 'x-mode': mode }),
      ...headers,
    },
    body: JSON.stringify(body),
    signal,
  });
  const { status, text } = answer;
  onHeaders?.(answer.headers);
  // A host that failed answers in words.
  const { receipt, refused } = read(
    text.startsWith('{') ? JSON.parse(text) : {},
    status >= 200 && status < 300,
  );
  return {
    status,
    body: text,
    replayed: answer.headers['idempotent-replayed'] === 'true',
    retryAfter: answer.headers['retry-after'] ?? null,
    receipt,
    code: refused?.idempotency?.code,
    reason: refused?.idempotency?.reason,
    retryable: refused?.idempotency?.retryable,
    recordId: refused?.idempotency?.recordId,
    keyUse: refused?.idempotency?.key,
  };
}
