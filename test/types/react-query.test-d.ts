import { type MutationFunctionContext, QueryClient, useMutation } from '@tanstack/react-query';
import { initTRPC } from '@trpc/server';
import { createTRPCContext, createTRPCOptionsProxy, type TRPCOptionsProxy } from '@trpc/tanstack-react-query';
import { isRetryable } from 'latchkey/client/errors';
import { idempotentMutation, type KeyedContext } from 'latchkey/client/react-query';
import { expectTypeOf } from 'vitest';

interface Payment {
  readonly invoiceId: string;
  readonly amount: number;
}
interface Receipt {
  readonly id: number;
}

const t = initTRPC.create();
const router = t.router({
  invoices: t.router({
    pay: t.procedure.input((value): Payment => value as Payment).mutation((): Receipt => ({ id: 1 })),
    close: t.procedure.mutation(() => true),
    list: t.procedure.query(() => [1]),
  }),
});
type AppRouter = typeof router;
const { useTRPC } = createTRPCContext<AppRouter>();
declare const trpc: TRPCOptionsProxy<AppRouter>;

// tRPC: input, output and error are the procedure's, as with its own mutationOptions().
function usePayment() {
  const trpc = useTRPC();
  return useMutation({
    ...idempotentMutation(trpc.invoices.pay, ({ invoiceId, amount }) => {
      expectTypeOf(invoiceId).toBeString();
      expectTypeOf(amount).toBeNumber();
      return ['pay', invoiceId];
    }),
    retry: (failures, error) => failures < 3 && isRetryable(error),
    onSuccess: (receipt, payment) => {
      expectTypeOf(receipt).toEqualTypeOf<Receipt>();
      expectTypeOf(payment).toEqualTypeOf<Payment>();
    },
  });
}
type Used = ReturnType<typeof usePayment>;
expectTypeOf<Used['data']>().toEqualTypeOf<Receipt | undefined>();
expectTypeOf<Used['variables']>().toEqualTypeOf<Payment | undefined>();
const useUnkeyed = () => useMutation(trpc.invoices.pay.mutationOptions());
expectTypeOf<Used['error']>().toEqualTypeOf<ReturnType<typeof useUnkeyed>['error']>();

// Its own options go through.
idempotentMutation(trpc.invoices.pay, ({ invoiceId }) => [invoiceId], {
  trpc: { context: { tenant: 'a' } },
  onSuccess: (receipt) => expectTypeOf(receipt).toEqualTypeOf<Receipt>(),
});
// @ts-expect-error no such option
idempotentMutation(trpc.invoices.pay, ({ invoiceId }) => [invoiceId], { retries: 3 });
// @ts-expect-error an operation without a name
idempotentMutation(trpc.invoices.pay);
// @ts-expect-error a part that may be missing
idempotentMutation(trpc.invoices.pay, (input: { invoiceId?: string }) => ['pay', input.invoiceId]);
// @ts-expect-error no such input
idempotentMutation(trpc.invoices.pay, ({ orderId }) => ['pay', orderId]);
// @ts-expect-error a query
idempotentMutation(trpc.invoices.list, () => ['list']);
// @ts-expect-error options, whose mutationFn knows of no key
idempotentMutation(trpc.invoices.pay.mutationOptions(), () => ['pay']);

// A function that sends.
declare function send(payment: Payment, key: string): Promise<Receipt>;
function usePlainPayment() {
  return useMutation({
    mutationKey: ['pay'],
    ...idempotentMutation(
      (payment: Payment, { idempotencyKey }) => {
        expectTypeOf(idempotencyKey).toBeString();
        return send(payment, idempotencyKey);
      },
      ({ invoiceId }) => ['pay', invoiceId],
    ),
    retry: 3,
  });
}
type Plain = ReturnType<typeof usePlainPayment>;
expectTypeOf<Plain['data']>().toEqualTypeOf<Receipt | undefined>();
expectTypeOf<Plain['error']>().toEqualTypeOf<Error | null>();
expectTypeOf<Plain['variables']>().toEqualTypeOf<Payment | undefined>();

// React Query's own context is there, too.
idempotentMutation(
  (payment: Payment, { client, idempotencyKey }: MutationFunctionContext & KeyedContext) => {
    expectTypeOf(client).toEqualTypeOf<QueryClient>();
    return send(payment, idempotencyKey);
  },
  ({ invoiceId }) => ['pay', invoiceId],
);

// For mutations that are resumed after a reload.
const queryClient = new QueryClient();
const proxy = createTRPCOptionsProxy<AppRouter>({ router, ctx: {}, queryClient });
queryClient.setMutationDefaults(
  proxy.invoices.pay.mutationKey(),
  idempotentMutation(proxy.invoices.pay, ({ invoiceId }) => ['pay', invoiceId]),
);
