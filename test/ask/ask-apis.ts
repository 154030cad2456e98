/** A question as a client of one API sends it. */
export interface Question {
  readonly url: string;
  readonly key: string;
  readonly user?: string;
  /** True for a caller that `authorizeReplay` denies. */
  readonly denied?: boolean;
  readonly waitMs?: number;
  /** Whose database is asked, where each tenant has its own. */
  readonly tenant?: string;
  readonly signal?: AbortSignal;
}

/** The answer as it came over the wire. */
export interface Asked {
  readonly status: number;
  readonly body: string;
  /** What is known, in the words of all APIs; undefined in a refusal. */
  readonly known: Known | undefined;
  /** The code of a refusal. */
  readonly code: string | undefined;
}

export interface Known {
  readonly state: string;
  readonly outcome?: string | null;
  readonly result?: unknown;
  readonly withheld?: string | null;
}

const QUERY = `query ($key: String!, $waitMs: Int) {
  idempotencyKey(key: $key, waitMs: $waitMs) { state outcome result withheld }
}`;

/** The same question by each API. */
export const ASK_APIS = {
  GraphQL: (question: Question) =>
    send(`${question.url}/graphql`, question, {}, { query: QUERY, variables: variablesOf(question) }),
  tRPC: (question: Question) => {
    const input = encodeURIComponent(JSON.stringify(variablesOf(question)));
    return send(`${question.url}/trpc/keyStatus?input=${input}`, question);
  },
  HTTP: (question: Question) =>
    send(`${question.url}/status${question.waitMs ? `?waitMs=${question.waitMs}` : ''}`, question, {
      'idempotency-key': question.key,
    }),
} as const;

const variablesOf = ({ key, waitMs }: Question) => ({ key, ...(waitMs !== undefined && { waitMs }) });

async function send(
  url: string,
  { user = 'alice', denied, tenant, signal }: Question,
  headers: Record<string, string> = {},
  body?: object,
): Promise<Asked> {
  const response = await fetch(url, {
    method: body ? 'POST' : 'GET',
    headers: {
      'x-user': user,
      ...(denied && { 'x-denied': 'yes' }),
      ...(tenant && { 'x-tenant': tenant }),
      ...(body && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
  });
  const text = await response.text();
  return { status: response.status, body: text, ...read(JSON.parse(text)) };
}

interface Body {
  readonly state?: string;
  readonly data?: { readonly idempotencyKey: Known } | null;
  readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[];
  readonly result?: { readonly data?: Known };
  readonly error?: { readonly data?: { readonly idempotency?: { readonly code?: string } } };
  readonly idempotency?: { readonly code: string };
}

function read(body: Body): Pick<Asked, 'known' | 'code'> {
  if (body.data) return { known: inSmallLetters(body.data.idempotencyKey), code: undefined };
  if (body.state !== undefined) return { known: body as unknown as Known, code: undefined };
  if (body.result?.data) return { known: body.result.data, code: undefined };
  return {
    known: undefined,
    code: body.errors?.[0]?.extensions?.code ?? body.error?.data?.idempotency?.code ?? body.idempotency?.code,
  };
}

function inSmallLetters({ state, outcome, ...rest }: Known): Known {
  const known = Object.entries(rest).filter(([, value]) => value !== null);
  return {
    state: state.toLowerCase(),
    ...(outcome && { outcome: outcome.toLowerCase() }),
    ...Object.fromEntries(known),
  };
}
