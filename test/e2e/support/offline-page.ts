import { createSyncStoragePersister } from '@tanstack/query-sync-storage-persister';
import { QueryClient, useMutation, useMutationState } from '@tanstack/react-query';
import { PersistQueryClientProvider } from '@tanstack/react-query-persist-client';
import { createTRPCClient, httpLink } from '@trpc/client';
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query';
import { Client, fetchExchange } from '@urql/core';
import { offlineExchange } from '@urql/exchange-graphcache';
import { makeDefaultStorage } from '@urql/exchange-graphcache/default-storage';
import { createElement, useState } from 'react';
// @ts-expect-error its types come in a package of their own
import { createRoot } from 'react-dom/client';
import { isRetryable } from '../../../plugin/client/errors.ts';
import { idempotentMutation } from '../../../plugin/client/react-query.ts';
import { idempotencyLink, keyHeaders } from '../../../plugin/client/trpc.ts';
import { idempotencyExchange } from '../../../plugin/client/urql.ts';
import type { AppRouter } from '../../client/support/shop-server.ts';

// What runs in the browser: the tests' own TypeScript knows no DOM.
declare const document: { getElementById(id: string): object };
declare const location: { readonly search: string };
declare const localStorage: NonNullable<Parameters<typeof createSyncStoragePersister>[0]['storage']>;

const parameters = new URLSearchParams(location.search);
const invoice = { invoiceId: String(parameters.get('invoice')), amount: 5 };

const client = new QueryClient();
const trpc = createTRPCOptionsProxy<AppRouter>({
  client: createTRPCClient<AppRouter>({
    links: [idempotencyLink(), httpLink({ url: String(parameters.get('trpc')), headers: keyHeaders })],
  }),
  queryClient: client,
});
const payInvoice = {
  ...idempotentMutation(trpc.payInvoice, ({ invoiceId }) => ['pay', invoiceId]),
  retry: (failures: number, error: unknown) => failures < 3 && isRetryable(error),
};
client.setMutationDefaults(payInvoice.mutationKey, payInvoice);
const persister = createSyncStoragePersister({ storage: localStorage, throttleTime: 0 });

/** Urql with its offline queue; what a page that is opened finds in it is sent before anybody asks. */
const urqlAnswers: unknown[] = [];
const urql = new Client({
  url: String(parameters.get('graphql')),
  preferGetMethod: false,
  fetch: async (input, init) => {
    const answer = await fetch(input, init);
    urqlAnswers.push(await answer.clone().json());
    return answer;
  },
  exchanges: [
    offlineExchange({
      storage: makeDefaultStorage(),
      optimistic: { pay: () => ({ __typename: 'Payment', id: 'optimistic' }) },
    }),
    idempotencyExchange(),
    fetchExchange,
  ],
});

function Invoice() {
  const payment = useMutation(payInvoice);
  const states = useMutationState({ select: ({ state }) => (state.isPaused ? 'paused' : state.status) });
  const [asked, setAsked] = useState('');
  const payByUrql = () => {
    setAsked('asked');
    urql.mutation('mutation { pay(amount: 5) { id } }', {}).subscribe(() => {});
  };
  return [
    createElement('button', { key: 'pay', type: 'button', onClick: () => payment.mutate(invoice) }, 'Pay'),
    createElement('output', { key: 'states' }, states.join() || 'none'),
    createElement('button', { key: 'urql', type: 'button', onClick: payByUrql }, 'Pay by urql'),
    createElement('output', { key: 'asked' }, asked),
  ];
}

const persisted = { client, persistOptions: { persister }, onSuccess: () => client.resumePausedMutations() };
createRoot(document.getElementById('app')).render(
  createElement(PersistQueryClientProvider, persisted, createElement(Invoice)),
);
Object.assign(globalThis, { urqlAnswers });
