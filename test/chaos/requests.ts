import type { Receipt } from '../history/history.ts';
import type { Item, Mode } from './order.ts';
import { receiptIn } from './receipt.ts';

export type Api = 'GraphQL' | 'tRPC' | 'HTTP';

export interface ShopRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Reads the answer of each item, in their order. */
  read(body: string): readonly ItemAnswer[];
}

export interface ItemAnswer {
  readonly receipt?: Receipt;
  readonly text?: string;
  readonly error?: string;
  readonly retryable?: boolean;
}

interface Refused {
  readonly idempotency?: { readonly code: string; readonly retryable: boolean };
}

interface TrpcBody {
  readonly result?: unknown;
  readonly error?: { readonly data?: Refused; readonly message?: string };
}

interface GraphQLBody {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly {
    readonly message: string;
    readonly path?: readonly unknown[];
    readonly extensions?: Refused;
  }[];
}

/** Makes the request of one key or of several, as a client of that API sends it. */
export function requestOf(mode: Mode, api: Api, items: readonly Item[]): ShopRequest {
  const [first] = items as [Item];
  if (mode === 'fields') return fieldsRequest(items);
  if (mode === 'batch') return batchRequest(items);
  const headers = { 'idempotency-key': first.key };
  const one = (answer: (text: string) => ItemAnswer) => (text: string) => [answer(text)];
  switch (api) {
    case 'GraphQL':
      return {
        ...{ path: '/graphql', headers, read: one((text) => graphqlAnswer(text)) },
        body: JSON.stringify({
          query: 'mutation ($amount: Int!) { pay(amount: $amount) { id amount } }',
          variables: { amount: first.amount },
        }),
      };
    case 'tRPC':
      return {
        ...{ path: '/trpc/pay', headers, body: JSON.stringify({ amount: first.amount }) },
        read: one((text) => trpcAnswer(JSON.parse(text), text)),
      };
    default:
      return {
        ...{ path: '/pay', headers, body: JSON.stringify({ amount: first.amount }) },
        read: one((text) => answerOf(text, text, JSON.parse(text))),
      };
  }
}

function fieldsRequest(items: readonly Item[]): ShopRequest {
  const names = items.map((_, index) => `f${index}`);
  const variables = items.flatMap(({ key, amount }, index) => [
    [`k${index}`, key],
    [`a${index}`, amount],
  ]);
  const declared = names.map((_, index) => `$k${index}: String!, $a${index}: Int!`).join(', ');
  const fields = names.map(
    (name, index) => `${name}: pay(amount: $a${index}) @idempotent(key: $k${index}) { id amount }`,
  );
  return {
    path: '/graphql',
    headers: {},
    body: JSON.stringify({
      query: `mutation (${declared}) { ${fields.join(' ')} }`,
      variables: Object.fromEntries(variables),
    }),
    read: (text) => names.map((name) => graphqlAnswer(text, name)),
  };
}

function batchRequest(items: readonly Item[]): ShopRequest {
  const calls = items.map(({ amount }, index) => [index, { amount }]);
  return {
    path: `/trpc/${items.map(() => 'pay').join(',')}?batch=1`,
    headers: { 'idempotency-keys': JSON.stringify(items.map(({ key }) => key)) },
    body: JSON.stringify(Object.fromEntries(calls)),
    read(text) {
      const answers: readonly TrpcBody[] = JSON.parse(text);
      return items.map((_, index) => {
        const answer = answers[index] ?? {};
        return trpcAnswer(answer, JSON.stringify(answer));
      });
    },
  };
}

function graphqlAnswer(text: string, field?: string): ItemAnswer {
  const { data, errors = [] }: GraphQLBody = JSON.parse(text);
  const value = field === undefined ? data?.pay : data?.[field];
  if (value)
    return {
      receipt: receiptIn(JSON.stringify(value)) as Receipt,
      text: field ? JSON.stringify(value) : text,
    };
  const error = errors.find(({ path }) => field === undefined || path?.[0] === field) ?? errors[0];
  return refusal(error?.extensions, error?.message);
}

const trpcAnswer = ({ result, error }: TrpcBody, text: string): ItemAnswer =>
  error ? refusal(error.data, error.message) : answerOf(JSON.stringify(result), text, {});

function answerOf(json: string, text: string, refused: Refused): ItemAnswer {
  const receipt = receiptIn(json);
  return receipt ? { receipt, text } : refusal(refused, json);
}

function refusal(refused: Refused | undefined, message = 'no answer'): ItemAnswer {
  const { code, retryable } = refused?.idempotency ?? {};
  return { error: code ?? message, ...(retryable !== undefined && { retryable }) };
}
