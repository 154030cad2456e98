import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { BatchHttpLink } from '@apollo/client/link/batch-http';
import { createTRPCClient, httpBatchLink, httpBatchStreamLink, httpLink } from '@trpc/client';
import { Client, fetchExchange } from '@urql/core';
import { createElement, StrictMode, useState } from 'react';
// @ts-expect-error its types come in a package of their own
import { createRoot } from 'react-dom/client';
import { IdempotencyLink } from '../../../plugin/client/apollo.ts';
import { isMustConfirm } from '../../../plugin/client/errors.ts';
import { createIdempotentFetch } from '../../../plugin/client/fetch.ts';
import { useIdempotencyKey } from '../../../plugin/client/react.ts';
import { idempotencyLink, keyHeaders } from '../../../plugin/client/trpc.ts';
import { idempotencyExchange } from '../../../plugin/client/urql.ts';
import type { AppRouter } from '../../client/support/shop-server.ts';

// What runs in the browser: the tests' own TypeScript knows no DOM.
declare const document: { getElementById(id: string): object };
declare const location: { readonly search: string };

/** Sends a payment with each of these keys, together, by one client of ours. */
export type Way = (typeof WAYS)[number];
export const WAYS = [
  'fetch',
  'tRPC, one call',
  'tRPC, a batch',
  'tRPC, a streamed batch',
  'Apollo, key in the extensions',
  'Apollo, key in a header',
  'Apollo, a batch',
  'urql, key in the extensions',
  'urql, key in a header',
] as const;

/** What a script of the page can see of replays: in the headers of each answer, and in each result of GraphQL. */
export interface Seen {
  readonly headers: (string | null)[][];
  readonly extensions: unknown[];
}

const parameters = new URLSearchParams(location.search);
const graphqlUrl = String(parameters.get('graphql'));
const trpcUrl = String(parameters.get('trpc'));
const MUTATION = 'mutation Pay { pay(amount: 5) { id } }';

async function payBy(way: Way, keys: readonly string[]): Promise<Seen> {
  const headers: Seen['headers'] = [];
  const watched: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init);
    headers.push(['idempotent-replayed', 'idempotent-replays'].map((name) => answer.headers.get(name)));
    return answer;
  };
  const pay = payers(watched)[way];
  const extensions = await Promise.all(keys.map(pay));
  return { headers, extensions: extensions.filter((each) => each !== undefined) };
}

function payers(watched: typeof fetch): Record<Way, (key: string) => Promise<unknown>> {
  const trpc = (link: typeof httpLink | typeof httpBatchLink | typeof httpBatchStreamLink) => {
    const last = link<AppRouter>({ url: trpcUrl, headers: keyHeaders, fetch: watched as never });
    const client = createTRPCClient<AppRouter>({ links: [idempotencyLink(), last] });
    return async (idempotencyKey: string) =>
      void (await client.pay.mutate({ amount: 5 }, { context: { idempotencyKey } }));
  };
  const apollo = (keys: IdempotencyLink, last: ApolloLink) => {
    const client = new ApolloClient({ cache: new InMemoryCache(), link: ApolloLink.from([keys, last]) });
    return async (idempotencyKey: string) =>
      (await client.mutate({ mutation: gql(MUTATION), context: { idempotencyKey } })).extensions ?? {};
  };
  const urql = (via: 'extensions' | 'header') => {
    const exchanges = [idempotencyExchange({ via }), fetchExchange];
    const client = new Client({ url: graphqlUrl, preferGetMethod: false, fetch: watched, exchanges });
    return async (idempotencyKey: string) => {
      const { error, extensions = {} } = await client.mutation(MUTATION, {}, { idempotencyKey });
      if (error) throw error;
      return extensions;
    };
  };
  const http = { uri: graphqlUrl, fetch: watched };
  return {
    fetch: async (key) => {
      const answer = await createIdempotentFetch(watched)(graphqlUrl, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ query: MUTATION }),
      });
      await answer.json();
    },
    'tRPC, one call': trpc(httpLink),
    'tRPC, a batch': trpc(httpBatchLink),
    'tRPC, a streamed batch': trpc(httpBatchStreamLink),
    'Apollo, key in the extensions': apollo(new IdempotencyLink(), new HttpLink(http)),
    'Apollo, key in a header': apollo(new IdempotencyLink({ via: 'header' }), new HttpLink(http)),
    'Apollo, a batch': apollo(new IdempotencyLink(), new BatchHttpLink({ ...http, batchInterval: 1 })),
    'urql, key in the extensions': urql('extensions'),
    'urql, key in a header': urql('header'),
  };
}

const resultIn = (status: object) => ('result' in status ? status.result : undefined);

/** A checkout as a page has it: a form, a button, and what became of the last click. */
function Checkout() {
  const key = useIdempotencyKey({ storageKey: 'checkout' });
  const [amount, setAmount] = useState('5');
  const [status, setStatus] = useState('');
  const [client] = useState(() =>
    createTRPCClient<AppRouter>({
      links: [idempotencyLink(), httpLink({ url: trpcUrl, headers: keyHeaders })],
    }),
  );
  const submit = () => {
    setStatus('paying');
    const send = (idempotencyKey: string) =>
      client[amount === '13' ? 'decline' : 'pay'].mutate(
        { amount: Number(amount) },
        { context: { idempotencyKey } },
      );
    key.run({ amount }, send).then(
      ({ id }) => setStatus(`paid ${id}`),
      (error) => setStatus(isMustConfirm(error) ? 'asked' : 'failed'),
    );
  };
  const ask = () => {
    setStatus('asking');
    key
      .check((asked) => client.keyStatus.query({ key: asked, waitMs: 10_000 }))
      .then(
        (answer) =>
          setStatus(answer ? `it is ${answer.state}: ${JSON.stringify(resultIn(answer))}` : 'nothing to ask'),
        () => setStatus('failed'),
      );
  };
  const onChange = (event: { target: { value: string } }) => setAmount(event.target.value);
  return [
    createElement('input', { key: 'amount', 'aria-label': 'Amount', value: amount, onChange }),
    createElement('button', { key: 'pay', type: 'button', onClick: submit }, 'Pay'),
    createElement('button', { key: 'over', type: 'button', onClick: () => key.startOver() }, 'Start over'),
    createElement('button', { key: 'ask', type: 'button', onClick: ask }, 'Did it happen?'),
    createElement('output', { key: 'status' }, status),
    createElement('output', { key: 'open' }, key.unsettled ? 'unsettled' : 'settled'),
  ];
}

createRoot(document.getElementById('app')).render(createElement(StrictMode, null, createElement(Checkout)));
Object.assign(globalThis, { payBy });
