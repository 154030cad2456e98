import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { RetryLink } from '@apollo/client/link/retry';
import { useMutation } from '@tanstack/react-query';
import { Client, cacheExchange, fetchExchange } from '@urql/core';
import { retryExchange } from '@urql/exchange-retry';
import { IdempotencyLink } from 'latchkey/client/apollo';
import { isMustConfirm, isRetryable, type MustConfirmError } from 'latchkey/client/errors';
import { createIdempotentFetch } from 'latchkey/client/fetch';
import { type IdempotencyKey, useIdempotencyKey } from 'latchkey/client/react';
import { idempotencyExchange } from 'latchkey/client/urql';
import { idempotencyHeaders, idempotencyKeyFrom, newIdempotencyKey } from 'latchkey/key';
import { expectTypeOf } from 'vitest';

interface Receipt {
  readonly id: string;
}
declare function send(amount: number, key: string): Promise<Receipt>;

// Apollo
const link = ApolloLink.from([
  new IdempotencyLink(),
  new IdempotencyLink({ via: 'header', headerName: 'X-Key' }),
  new RetryLink({ attempts: (count, _operation, error) => count < 3 && isRetryable(error) }),
  new HttpLink({ uri: '/graphql' }),
]);
new ApolloClient({ cache: new InMemoryCache(), link }).mutate({
  mutation: gql`mutation { pay { id } }`,
  context: { idempotencyKey: 'mine' },
});
// @ts-expect-error no such way
new IdempotencyLink({ via: 'cookie' });

// urql
const client = new Client({
  url: '/graphql',
  preferGetMethod: false,
  exchanges: [cacheExchange, idempotencyExchange(), retryExchange({ retryIf: isRetryable }), fetchExchange],
});
client.mutation('mutation { pay { id } }', {}, { idempotencyKey: 'mine' });
// @ts-expect-error no such way
idempotencyExchange({ via: 'cookie' });

// fetch
const idempotentFetch = createIdempotentFetch(fetch, {
  retries: 3,
  delayMs: (attempt) => attempt * 10,
  jitter: 0,
  maxElapsedMs: null,
  headerName: 'X-Key',
  sleep: async (ms, signal) => {
    expectTypeOf(ms).toBeNumber();
    expectTypeOf(signal).toEqualTypeOf<AbortSignal | undefined>();
  },
});
expectTypeOf(idempotentFetch).toEqualTypeOf<typeof fetch>();
// @ts-expect-error no such option
createIdempotentFetch(fetch, { retry: 3 });

// Keys
expectTypeOf(newIdempotencyKey()).toBeString();
expectTypeOf(idempotencyHeaders({ headerName: 'X-Key' })).toEqualTypeOf<{
  request: string[];
  response: string[];
}>();
// @ts-expect-error no such option
idempotencyHeaders({ header: 'X-Key' });
expectTypeOf(idempotencyKeyFrom('order', 42, 42n)).toBeString();
declare const cart: { id?: string };
// @ts-expect-error a part that may be missing (case 1c)
idempotencyKeyFrom('order', cart.id);
// @ts-expect-error a part that may be missing (case 1c)
idempotencyKeyFrom('order', null);

// The hook gives back what was sent for.
function useCheckout() {
  const key = useIdempotencyKey({ storageKey: 'pay' });
  expectTypeOf(key).toEqualTypeOf<IdempotencyKey>();
  expectTypeOf(key.key).toEqualTypeOf<string | undefined>();
  expectTypeOf(key.unsettled).toBeBoolean();
  expectTypeOf(key.startOver()).resolves.toBeVoid();
  // @ts-expect-error an attempt is a promise, to see how it ends
  key.run(5, () => 'paid');
  key.run(5, async (_key, { headers }) =>
    expectTypeOf(headers).toEqualTypeOf<Readonly<Record<string, string>>>(),
  );
  const payment = useMutation({
    mutationFn: (amount: number) => key.run({ amount }, (idempotencyKey) => send(amount, idempotencyKey)),
    retry: (failures, error) => failures < 3 && isRetryable(error),
  });
  expectTypeOf(payment.data).toEqualTypeOf<Receipt | undefined>();
  expectTypeOf(payment.mutateAsync(5)).resolves.toEqualTypeOf<Receipt>();
  if (isMustConfirm(payment.error)) {
    expectTypeOf(payment.error).toExtend<MustConfirmError>();
    expectTypeOf(payment.error.key).toBeString();
  }
  return { payment };
}
expectTypeOf(useCheckout).returns.not.toBeAny();
// @ts-expect-error no such option
useIdempotencyKey({ storage: 'pay' });
