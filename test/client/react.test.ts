// @vitest-environment happy-dom
import pageConsole from 'node:console';
import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from '@apollo/client';
import { QueryClient, QueryClientProvider, useMutation } from '@tanstack/react-query';
import { act, cleanup, fireEvent, render, renderHook, screen, waitFor } from '@testing-library/react';
import { createTRPCClient, httpLink, retryLink } from '@trpc/client';
import { Client, fetchExchange } from '@urql/core';
import { createElement, type ReactNode, StrictMode, useEffect, useState } from 'react';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { IdempotencyLink } from '../../plugin/client/apollo.ts';
import { isMustConfirm, isRetryable } from '../../plugin/client/errors.ts';
import { useIdempotencyKey } from '../../plugin/client/react.ts';
import { idempotencyLink, keyHeaders } from '../../plugin/client/trpc.ts';
import { idempotencyExchange } from '../../plugin/client/urql.ts';
import { FakeBrowser } from './support/browser.ts';
import { type AppRouter, type RemoteShop, startShopElsewhere } from './support/shop.ts';

let shop: RemoteShop;
beforeAll(async () => {
  shop = await startShopElsewhere();
  // The page logs each answer that it does not get.
  vi.spyOn(pageConsole, 'error').mockImplementation(() => {});
});
afterAll(() => shop[Symbol.asyncDispose]());
afterEach(async () => {
  cleanup();
  vi.unstubAllGlobals();
  await shop.newDay();
});

const api = () =>
  createTRPCClient<AppRouter>({ links: [httpLink({ url: shop.trpcUrl, headers: keyHeaders })] });

/** React Query, in React's strict mode: everything is rendered and mounted twice. */
function App({ children }: { children: ReactNode }) {
  const defaultOptions = { mutations: { retryDelay: 1, networkMode: 'always' } } as const;
  const [client] = useState(() => new QueryClient({ defaultOptions }));
  return createElement(StrictMode, null, createElement(QueryClientProvider, { client }, children));
}

interface CheckoutOptions {
  retries?: number;
  /** The amount that is declined. */
  declined?: number;
  useKey?: typeof useIdempotencyKey;
}

/** The logic of a checkout page, with the hook and React Query as the guide has them. */
function useCheckout({ retries = 0, declined, useKey = useIdempotencyKey }: CheckoutOptions = {}) {
  const key = useKey({ storageKey: 'checkout' });
  const payment = useMutation({
    mutationFn: (amount: number) =>
      key.run({ amount }, (idempotencyKey) => {
        const procedure = amount === declined ? api().decline : api().pay;
        return procedure.mutate({ amount }, { context: { idempotencyKey } });
      }),
    retry: (failures, error) => failures < retries && isRetryable(error),
  });
  return { key, payment };
}

function openCheckout(options?: CheckoutOptions) {
  const { result } = renderHook(() => useCheckout(options), { wrapper: App });
  const submit = (amount: number) =>
    act(() => result.current.payment.mutateAsync(amount).catch((error: unknown) => error));
  return { submit, key: () => result.current.key };
}

describe('a checkout with React Query (case 13)', () => {
  beforeEach(() => {
    vi.stubGlobal('sessionStorage', new FakeBrowser().open().session);
    vi.resetModules();
  });

  const fresh = async (options?: CheckoutOptions) => openCheckout({ ...options, ...(await loadPage()) });

  it('retries lost answers with one key', async () => {
    const checkout = await fresh({ retries: 3 });
    shop.network.dropAnswers(3);
    expect(await checkout.submit(5)).toEqual({ id: 1, amount: 5 });
    expect(shop.keys).toHaveLength(4);
    expect(new Set(shop.keys).size).toBe(1);
    expect(await shop.payments()).toEqual([5]);
  });

  it('makes a second order of a second submission of the same values', async () => {
    const checkout = await fresh();
    await checkout.submit(5);
    await checkout.submit(5);
    expect(await shop.payments()).toEqual([5, 5]);
  });

  it('asks before an edited form is sent whose first answer was lost', async () => {
    const checkout = await fresh({ retries: 3 });
    shop.network.dropAnswers(4);
    await checkout.submit(5);
    expect(checkout.key()).toMatchObject({ unsettled: true, mustConfirm: false });
    expect(isMustConfirm(await checkout.submit(6))).toBe(true);
    expect(checkout.key()).toMatchObject({ unsettled: true, mustConfirm: true });
    expect(await shop.payments()).toEqual([5]);

    await act(() => checkout.key().startOver());
    expect(checkout.key()).toMatchObject({ key: undefined, unsettled: false, mustConfirm: false });
    await checkout.submit(6);
    expect(await shop.payments()).toEqual([5, 6]);
  });

  it('sends a corrected form with a new key after a refusal', async () => {
    const checkout = await fresh({ retries: 3, declined: 5 });
    expect(await checkout.submit(5)).toMatchObject({ message: 'Declined: 5' });
    expect(shop.keys).toHaveLength(1);
    expect(await checkout.submit(6)).toEqual({ id: 1, amount: 6 });
    expect(new Set(shop.keys).size).toBe(2);
  });

  it('goes on with the key after a reload', async () => {
    const checkout = await fresh();
    shop.network.dropAnswers(1);
    await checkout.submit(5);
    cleanup();
    dispatchEvent(new Event('pagehide'));
    vi.resetModules();
    const reloaded = await fresh();
    await waitFor(() => expect(reloaded.key().unsettled).toBe(true));
    expect(await reloaded.submit(5)).toEqual({ id: 1, amount: 5 });
    expect(await shop.payments()).toEqual([5]);
  });

  it('is one operation for the components that share a name, also when they come and go', async () => {
    const useKey = (await loadPage()).useKey;
    const checkout = openCheckout({ useKey });
    shop.network.dropAnswers(1);
    await checkout.submit(5);
    cleanup();
    await openCheckout({ useKey }).submit(5);
    expect(await shop.payments()).toEqual([5]);
  });
});

/** The hook as a page that was just loaded has it. */
async function loadPage(): Promise<{ useKey: typeof useIdempotencyKey }> {
  return { useKey: (await import('../../plugin/client/react.ts')).useIdempotencyKey };
}

it('a double click on a button in strict mode is one payment (case 13)', async () => {
  function PayButton() {
    const { run, unsettled } = useIdempotencyKey();
    const pay = () =>
      run(5, (idempotencyKey) => api().pay.mutate({ amount: 5 }, { context: { idempotencyKey } }));
    return createElement('button', { type: 'button', onClick: pay }, unsettled ? 'Paying' : 'Pay');
  }
  render(createElement(StrictMode, null, createElement(PayButton)));
  fireEvent.click(screen.getByText('Pay'));
  fireEvent.click(screen.getByText('Pay'));
  await screen.findByText('Paying');
  await screen.findByText('Pay');
  await waitFor(() => expect(shop.network.sent).toHaveLength(2));
  expect(new Set(shop.keys).size).toBe(1);
  expect(await shop.payments()).toEqual([5]);
});

it('a payment in an effect, which strict mode runs twice, is made once (case 13)', async () => {
  const ended: unknown[] = [];
  function PayOnArrival() {
    const { run } = useIdempotencyKey();
    useEffect(() => {
      const send = (idempotencyKey: string) =>
        api().pay.mutate({ amount: 5 }, { context: { idempotencyKey } });
      void run(5, send).then((paid) => ended.push(paid));
    }, [run]);
    return null;
  }
  render(createElement(StrictMode, null, createElement(PayOnArrival)));
  await waitFor(() => expect(ended).toHaveLength(2));
  expect(shop.keys).toHaveLength(2);
  expect(await shop.payments()).toEqual([5]);
});

it('two components without a name have operations of their own', async () => {
  const [one, other] = [1, 2].map(() => renderHook(() => useIdempotencyKey()).result);
  const keys: string[] = [];
  const send = async (key: string) => void keys.push(key);
  await act(async () => {
    await one?.current.run(5, send);
    await other?.current.run(5, send);
  });
  expect(new Set(keys).size).toBe(2);
});

it("the caller's own key is kept by React Query's retries and by those of a link under them (case 6)", async () => {
  const client = createTRPCClient<AppRouter>({
    links: [
      idempotencyLink(),
      retryLink({ retry: ({ error, attempts }) => attempts < 2 && isRetryable(error) }),
      httpLink({ url: shop.trpcUrl, headers: keyHeaders }),
    ],
  });
  const { result } = renderHook(
    () =>
      useMutation({
        mutationFn: (amount: number) =>
          client.pay.mutate({ amount }, { context: { idempotencyKey: 'mine' } }),
        retry: 3,
      }),
    { wrapper: App },
  );
  shop.network.dropAnswers(4);
  await act(() => result.current.mutateAsync(5));
  expect(shop.keys).toEqual(Array(5).fill('mine'));
  expect(await shop.payments()).toEqual([5]);
});

const PAY = 'mutation Pay($amount: Int!) { pay(amount: $amount) { id } }';
const DECLINE = 'mutation Decline($amount: Int!) { decline(amount: $amount) { id } }';

/** One attempt with a key of the hook's, by each client as its guide has it. */
const senders: Record<string, (text: string, amount: number, idempotencyKey: string) => Promise<unknown>> = {
  Apollo: (text, amount, idempotencyKey) => {
    const link = ApolloLink.from([new IdempotencyLink(), new HttpLink({ uri: shop.graphqlUrl })]);
    const client = new ApolloClient({ cache: new InMemoryCache(), link });
    return client.mutate({ mutation: gql(text), variables: { amount }, context: { idempotencyKey } });
  },
  'Apollo, errors in results': (text, amount, idempotencyKey) => {
    const link = ApolloLink.from([new IdempotencyLink(), new HttpLink({ uri: shop.graphqlUrl })]);
    const client = new ApolloClient({ cache: new InMemoryCache(), link });
    const context = { idempotencyKey };
    return client.mutate({ mutation: gql(text), variables: { amount }, context, errorPolicy: 'all' });
  },
  urql: async (text, amount, idempotencyKey) => {
    const exchanges = [idempotencyExchange(), fetchExchange];
    const client = new Client({ url: shop.graphqlUrl, preferGetMethod: false, exchanges });
    return await client.mutation(text, { amount }, { idempotencyKey });
  },
};

it.each(Object.entries(senders))(
  'with %s: a lost answer is asked about when the form is edited, a refusal is not, and a success ends the key (case 13)',
  async (_, send) => {
    const { result } = renderHook(() => useIdempotencyKey());
    const submit = (amount: number, text = PAY) =>
      act(() =>
        result.current.run({ amount }, (key) => send(text, amount, key)).catch((error: unknown) => error),
      );
    shop.network.dropAnswers(1);
    await submit(5);
    expect(result.current).toMatchObject({ unsettled: true });
    expect(isMustConfirm(await submit(6))).toBe(true);
    await submit(5);
    expect(result.current).toMatchObject({ key: undefined, unsettled: false });
    expect(await shop.payments()).toEqual([5]);

    await submit(7, DECLINE);
    expect(result.current).toMatchObject({ unsettled: false, mustConfirm: false });
    await submit(8);
    expect(await shop.payments()).toEqual([5, 8]);
    const [lost, again, declined, corrected] = shop.keys;
    expect(again).toBe(lost);
    expect(new Set([lost, declined, corrected]).size).toBe(3);
  },
);

it.each(['', ' ', 5, null])('a storageKey of %j can not be meant (case 1c)', (storageKey) => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  expect(() => renderHook(() => useIdempotencyKey({ storageKey: storageKey as string }))).toThrow(
    /^Expected `storageKey` to be a string that is not empty, got /,
  );
});

it('the first render is that of a server, where there is no operation, and the page finds its own after it', async () => {
  const { session } = new FakeBrowser().open();
  session.setItem('latchkey:receipt', JSON.stringify({ key: 'mine', print: 'x', open: true, left: true }));
  vi.stubGlobal('sessionStorage', session);
  const rendered: boolean[] = [];
  const { result } = renderHook(() => {
    const key = useIdempotencyKey({ storageKey: 'receipt' });
    rendered.push(key.unsettled);
    return key;
  });
  await waitFor(() => expect(result.current).toMatchObject({ key: 'mine', unsettled: true }));
  expect(rendered).toEqual([false, true]);
});

it('an attempt gets the header that carries its key, by the name that the server has for it', async () => {
  const { result } = renderHook(() => useIdempotencyKey({ headerName: 'X-Payment-Key' }));
  const sent: unknown[] = [];
  const { run } = result.current;
  await act(() => run(5, async (key, { headers }) => void sent.push([key, headers])));
  const key = expect.stringMatching(/^.{36}$/);
  expect(sent).toEqual([[key, { 'X-Payment-Key': key }]]);
  expect(result.current.run).toBe(run); // an effect that depends on it is not run again
});
