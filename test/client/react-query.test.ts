// @vitest-environment happy-dom
import pageConsole from 'node:console';
import { createSyncStoragePersister } from '@tanstack/query-sync-storage-persister';
import { type MutationOptions, onlineManager, QueryClient, useMutation } from '@tanstack/react-query';
import { PersistQueryClientProvider } from '@tanstack/react-query-persist-client';
import { act, cleanup, renderHook, waitFor } from '@testing-library/react';
import { createTRPCClient, httpLink } from '@trpc/client';
import { createTRPCOptionsProxy, type TRPCOptionsProxy } from '@trpc/tanstack-react-query';
import { createElement, type ReactNode } from 'react';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { isRetryable } from '../../plugin/client/errors.ts';
import { idempotentMutation, type KeyedContext } from '../../plugin/client/react-query.ts';
import { idempotencyLink, keyHeaders } from '../../plugin/client/trpc.ts';
import { mongoUri } from '../support/database.ts';
import { gate } from '../support/gate.ts';
import { MemoryStorage } from './support/browser.ts';
import { type AppRouter, type RemoteShop, startShopElsewhere } from './support/shop.ts';
import type { Invoice } from './support/shop-server.ts';

let shop: RemoteShop;
beforeAll(async () => {
  shop = await startShopElsewhere(mongoUri());
  // The page logs each answer that it does not get.
  vi.spyOn(pageConsole, 'error').mockImplementation(() => {});
});
afterAll(() => shop[Symbol.asyncDispose]());
afterEach(async () => {
  onlineManager.setOnline(true);
  cleanup();
  await shop.newDay();
});

let invoices = 0;
/** Another one for each test: a key is good for one. */
const newInvoice = (amount = 5): Invoice => ({ invoiceId: `inv-${invoices++}`, amount });
const ofInvoice = ({ invoiceId }: Invoice) => ['pay', invoiceId];

/** The tab of a browser: what is loaded in it, and the storage that it shares with the others. */
interface Tab {
  readonly client: QueryClient;
  readonly trpc: TRPCOptionsProxy<AppRouter>;
  readonly wrapper: (props: { children: ReactNode }) => ReactNode;
}

function openTab(storage = new MemoryStorage(), payInvoice: Way = ways.tRPC): Tab {
  const client = new QueryClient({ defaultOptions: { mutations: { retryDelay: 1 } } });
  const links = [idempotencyLink<AppRouter>(), httpLink({ url: shop.trpcUrl, headers: keyHeaders })];
  const trpc = createTRPCOptionsProxy<AppRouter>({
    client: createTRPCClient<AppRouter>({ links }),
    queryClient: client,
  });
  client.setMutationDefaults(['payInvoice'], payInvoice(trpc));
  client.setMutationDefaults(trpc.payInvoice.mutationKey(), payInvoice(trpc));
  const persister = createSyncStoragePersister({ storage, throttleTime: 0 });
  const onSuccess = () => client.resumePausedMutations();
  const props = { client, persistOptions: { persister }, onSuccess };
  const wrapper = ({ children }: { children: ReactNode }) =>
    createElement(PersistQueryClientProvider, { ...props, children });
  return { client, trpc, wrapper };
}

interface Receipt {
  readonly id: number;
}

async function sendByFetch(
  { invoiceId, amount }: Invoice,
  { idempotencyKey }: KeyedContext,
): Promise<Receipt> {
  const query =
    'mutation Pay($invoiceId: ID!, $amount: Int!) { payInvoice(invoiceId: $invoiceId, amount: $amount) { id } }';
  const response = await fetch(shop.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
    body: JSON.stringify({ query, variables: { invoiceId, amount } }),
  });
  return (await response.json()).data.payInvoice;
}

type Way = (
  trpc: TRPCOptionsProxy<AppRouter>,
) => Pick<MutationOptions<Receipt, unknown, Invoice>, 'mutationFn' | 'mutationKey'>;

/** The short way of the guide, by tRPC and by a function that sends. */
const ways = {
  tRPC: (trpc) => idempotentMutation(trpc.payInvoice, ofInvoice),
  'a function': () => ({ mutationKey: ['payInvoice'], ...idempotentMutation(sendByFetch, ofInvoice) }),
} satisfies Record<string, Way>;

function usePage(tab: Tab, way: Way, more: { retryDelay?: () => number } = {}) {
  const options = { ...way(tab.trpc), retry: 3, ...more };
  return renderHook(() => useMutation(options), { wrapper: tab.wrapper }).result;
}

const oneKey = () => {
  expect(shop.keys).not.toContain(undefined);
  expect(new Set(shop.keys).size).toBe(1);
};

describe.each(Object.entries(ways))('an invoice is paid by %s once', (_, way) => {
  it('when React Query retries after lost answers', async () => {
    const page = usePage(openTab(), way);
    shop.network.dropAnswers(2);
    const paid = await act(() => page.current.mutateAsync(newInvoice()));
    expect(paid).toMatchObject({ id: 1 });
    expect(shop.keys).toHaveLength(3);
    oneKey();
    expect(await shop.payments()).toEqual([5]);
  });

  it('when its retry is paused without network, and resumed after a reload', async () => {
    const storage = new MemoryStorage();
    await leavePaused(openTab(storage, way), way);
    const { client } = reload(storage, way);
    await waitFor(() =>
      expect(client.getMutationCache().getAll()).toMatchObject([{ state: { status: 'success' } }]),
    );
    expect(shop.keys).toHaveLength(2);
    oneKey();
    expect(await shop.payments()).toEqual([5]);
  });

  it('when two tabs resume what is in the storage that they share', async () => {
    const storage = new MemoryStorage();
    await leavePaused(openTab(storage, way), way);
    for (const { client } of [reload(storage, way), reload(storage, way)]) {
      await waitFor(() =>
        expect(client.getMutationCache().getAll()).toMatchObject([{ state: { status: 'success' } }]),
      );
    }
    expect(shop.keys).toHaveLength(3);
    oneKey();
    expect(await shop.payments()).toEqual([5]);
  });

  it('when the user clicks again after a reload, or in a second tab', async () => {
    const invoice = newInvoice();
    shop.network.dropAnswers(4);
    const lost = usePage(openTab(), way);
    await expect(act(() => lost.current.mutateAsync(invoice))).rejects.toThrow();
    cleanup();
    const [reloaded, second] = [usePage(openTab(), way), usePage(openTab(), way)];
    const answers = await act(() =>
      Promise.all([reloaded.current.mutateAsync(invoice), second.current.mutateAsync(invoice)]),
    );
    expect(answers).toMatchObject([{ id: 1 }, { id: 1 }]);
    oneKey();
    expect(await shop.payments()).toEqual([5]);
  });

  it('and another invoice by itself', async () => {
    const page = usePage(openTab(), way);
    await act(() => page.current.mutateAsync(newInvoice(5)));
    await act(() => page.current.mutateAsync(newInvoice(5)));
    expect(await shop.payments()).toEqual([5, 5]);
  });
});

/** An attempt is sent, its answer is lost, and there is no network for the next. The page is closed. */
async function leavePaused(tab: Tab, way: Way): Promise<void> {
  const retryDelay = () => {
    onlineManager.setOnline(false);
    return 1;
  };
  const page = usePage(tab, way, { retryDelay });
  shop.network.dropAnswers(1);
  act(() => page.current.mutate(newInvoice()));
  await waitFor(() => expect(page.current).toMatchObject({ isPaused: true, failureCount: 1 }));
  cleanup();
  tab.client.getMutationCache().clear();
  expect(shop.keys).toHaveLength(1);
}

function reload(storage: MemoryStorage, way: Way): Tab {
  onlineManager.setOnline(true);
  const tab = openTab(storage, way);
  renderHook(() => undefined, { wrapper: tab.wrapper });
  return tab;
}

it('the key of the first attempt counts when the page shows another invoice by the time of the next', async () => {
  const keys: string[] = [];
  const tab = openTab();
  const [shown, next] = [newInvoice(), newInvoice()];
  const failed = gate();
  const { result, rerender } = renderHook(
    ({ invoice }: { invoice: Invoice }) => {
      const send = async (_: number, { idempotencyKey }: KeyedContext) => {
        keys.push(idempotencyKey);
        if (keys.length === 1) {
          failed.open();
          throw new TypeError('fetch failed');
        }
        return 'paid';
      };
      return useMutation({
        ...idempotentMutation(send, () => ofInvoice(invoice)),
        retry: 1,
        retryDelay: 50,
      });
    },
    { wrapper: tab.wrapper, initialProps: { invoice: shown } },
  );
  act(() => result.current.mutate(5));
  await failed;
  rerender({ invoice: next });
  await waitFor(() => expect(result.current.data).toBe('paid'));
  expect(keys).toEqual([`pay:${shown.invoiceId}`, `pay:${shown.invoiceId}`]);
});

it('what tRPC has of its own goes on: its options, the context of its call, its callbacks, its key', async () => {
  const tab = openTab();
  const onSuccess = vi.fn();
  const options = idempotentMutation(tab.trpc.payInvoice, ofInvoice, {
    trpc: { context: { idempotencyKey: 'of all', tenant: 'a' } },
    onSuccess,
    meta: { name: 'payment' },
  });
  expect(options).toMatchObject({
    mutationKey: tab.trpc.payInvoice.mutationKey(),
    meta: { name: 'payment' },
    trpc: { path: 'payInvoice' },
  });
  const { result } = renderHook(() => useMutation(options), { wrapper: tab.wrapper });
  const invoice = newInvoice();
  await act(() => result.current.mutateAsync(invoice));
  expect(onSuccess.mock.lastCall?.slice(0, 2)).toEqual([{ id: 1, amount: 5 }, invoice]);
  expect(shop.keys).toEqual([`pay:${invoice.invoiceId}`]);
});

it('a function gets what React Query gives to a mutation, beside the key', async () => {
  const { client, wrapper } = openTab();
  const send = vi.fn(async (_: Invoice, _context: KeyedContext) => 'paid');
  const options = { ...idempotentMutation(send, ofInvoice), meta: { name: 'payment' } };
  const { result } = renderHook(() => useMutation(options), { wrapper });
  const invoice = newInvoice();
  await act(() => result.current.mutateAsync(invoice));
  expect(send.mock.lastCall?.[1]).toMatchObject({
    client,
    meta: options.meta,
    idempotencyKey: `pay:${invoice.invoiceId}`,
  });
});

it('an operation without its name is not sent', async () => {
  const { result } = renderHook(
    () => useMutation(idempotentMutation(sendByFetch, ({ invoiceId }) => ['pay', invoiceId])),
    { wrapper: openTab().wrapper },
  );
  const unnamed = { amount: 5 } as Invoice;
  await expect(act(() => result.current.mutateAsync(unnamed))).rejects.toThrow(
    'Expected part 2 of the key to be a',
  );
  expect(shop.network.sent).toEqual([]);
});

it.each([
  [
    'the options of a mutation',
    () => ({ mutationFn: async () => 1 }),
    () => ['pay'],
    'trpc.pay, not trpc.pay.mutationOptions()',
  ],
  ['nothing', () => undefined, () => ['pay'], 'or a function that sends, got undefined'],
  ['no name', () => async () => 1, undefined, 'Expected a function that names the operation'],
  ['a list for a function', () => async () => 1, ['pay', 1], 'Expected a function that names the operation'],
])('a mutation can not be made of %s', (_, mutation, operation, message) => {
  expect(() => idempotentMutation(mutation() as never, operation as never)).toThrow(message);
});

it('a name that is a text, and no list of parts, is refused', async () => {
  const { mutationFn } = idempotentMutation(
    async () => 1,
    () => 'pay:1' as never,
  );
  await expect(mutationFn(undefined, undefined)).rejects.toThrow(
    "a list of parts, such as ['pay', invoiceId], got string",
  );
});

it('isRetryable ends the retries of what the server has answered', async () => {
  const tab = openTab();
  const options = idempotentMutation(tab.trpc.decline, ({ amount }) => ['decline', amount]);
  const { result } = renderHook(
    () => useMutation({ ...options, retry: (failures, error) => failures < 3 && isRetryable(error) }),
    { wrapper: tab.wrapper },
  );
  await expect(act(() => result.current.mutateAsync({ amount: ++invoices }))).rejects.toThrow('Declined');
  expect(shop.network.sent).toHaveLength(1);
});
