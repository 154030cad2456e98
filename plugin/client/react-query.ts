import { checkOptions } from '../../server/engine/check-options.ts';
import { aHeaderName } from '../../server/engine/option-checks.ts';
import { idempotencyKeyFrom } from '../key/idempotency-key-from.ts';
import { keyHeader } from '../key/key-header.ts';

/** These parts name an operation: the same parts are the same operation, on every page and after every reload. */
export type OperationParts = readonly (string | number | bigint)[];

/** What a function that sends gets beside the variables. */
export interface KeyedContext {
  /** The key, for a client that has an option for it. */
  readonly idempotencyKey: string;
  /** The header that carries the key, for a client of HTTP. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Options of {@link idempotentMutation} with a function that sends. */
export interface IdempotentMutationOptions {
  /**
   * The `headerName` of your server, for the `headers` that the function gets. With tRPC give it to `idempotencyLink`.
   * @default 'Idempotency-Key'
   */
  headerName?: string;
}

const CHECKS = { headerName: aHeaderName };

/** A mutation of `@trpc/tanstack-react-query`, by shape: this file needs neither that package nor React Query. */
interface TRPCMutation {
  mutationOptions(options?: never): {
    mutationFn?: ((input: never, context: never) => Promise<unknown>) | undefined;
  };
}
type OptionsOf<Mutation extends TRPCMutation> = ReturnType<Mutation['mutationOptions']>;
type InputOf<Mutation extends TRPCMutation> = Parameters<NonNullable<OptionsOf<Mutation>['mutationFn']>>[0];

/**
 * Options for `useMutation`: a mutation whose key is made of its variables, and of nothing else. React Query keeps the
 * variables through `retry`, a pause without network, a persisted cache and another tab, so the key is the same in all
 * of them; a click after a reload, or in a second tab, has it too.
 *
 * Use it for tRPC (`useTRPC()`, with `headers: keyHeaders` in its HTTP link) or with a function that sends.
 *
 * @param operation names what is done, from what is in the variables: an order's or an invoice's id. Two `mutate()` that
 * give the same parts are one operation: the second gets the result of the first. Where nothing names it, make an id
 * when the form is opened and put it into the variables.
 * @param options of tRPC's own `mutationOptions()`; of a function that sends, {@link IdempotentMutationOptions}
 *
 * @example
 * const trpc = useTRPC()
 * const payment = useMutation({
 *   ...idempotentMutation(trpc.pay, ({ invoiceId }) => ['pay', invoiceId]),
 *   retry: (failures, error) => failures < 3 && isRetryable(error),
 * })
 *
 * @example
 * const send = (payment: Payment, { headers }: KeyedContext) => api.pay(payment, { headers })
 * useMutation({ ...idempotentMutation(send, ({ invoiceId }) => ['pay', invoiceId]), retry: 3 })
 *
 * @throws TypeError for what is no mutation: `trpc.pay` is one, `trpc.pay.mutationOptions()` is not
 * @throws TypeError out of `mutationFn`, before anything is sent, for a part that is not there (undefined, null, '')
 */
export function idempotentMutation<Mutation extends TRPCMutation>(
  mutation: Mutation,
  operation: (input: InputOf<Mutation>) => OperationParts,
  options?: Parameters<Mutation['mutationOptions']>[0],
): OptionsOf<Mutation>;
/** The same for a function that sends, which gets the key and its header beside the variables. */
export function idempotentMutation<Variables, Data, Context = unknown>(
  send: (variables: Variables, context: Context & KeyedContext) => Promise<Data>,
  operation: (variables: Variables) => OperationParts,
  options?: IdempotentMutationOptions,
): { mutationFn: (variables: Variables, context: Context) => Promise<Data> };
export function idempotentMutation(
  mutation: unknown,
  operation: (variables: never) => OperationParts,
  options?: unknown,
): unknown {
  if (typeof operation !== 'function') {
    throw new TypeError(
      `Expected a function that names the operation, such as ({ invoiceId }) => ['pay', invoiceId], got ${typeof operation}`,
    );
  }
  const key = (variables: unknown, context?: object) => keyOf(variables, context, operation as Operation);
  if (isTRPCMutation(mutation)) return trpcMutation(mutation, key, options as TRPCOptions | undefined);
  if (typeof mutation !== 'function') {
    throw new TypeError(
      'Expected a mutation of tRPC (trpc.pay, not trpc.pay.mutationOptions()) or a function that sends, ' +
        `got ${mutation === null ? 'null' : typeof mutation}`,
    );
  }
  const { headerName } = checkedOptions(options);
  const send = mutation as MutationFn;
  const mutationFn: MutationFn = async (variables, context) => {
    const idempotencyKey = key(variables, context);
    return send(variables, { ...context, idempotencyKey, headers: keyHeader(idempotencyKey, headerName) });
  };
  return { mutationFn };
}

function checkedOptions(options: unknown = {}): IdempotentMutationOptions {
  checkOptions<IdempotentMutationOptions>(options as IdempotentMutationOptions, CHECKS, {
    of: 'idempotentMutation',
  });
  return options as IdempotentMutationOptions;
}

type Operation = (variables: unknown) => OperationParts;
type MutationFn = (variables: unknown, context?: object) => Promise<unknown>;
interface MutationOptions {
  readonly mutationFn: MutationFn;
}
interface TRPCOptions {
  readonly trpc?: { readonly context?: object };
}
interface RuntimeTRPCMutation {
  mutationOptions(options?: TRPCOptions): MutationOptions;
}

/** tRPC takes a call's context from the options only: each attempt has options of its own, which carry its key. */
function trpcMutation(
  mutation: RuntimeTRPCMutation,
  key: (variables: unknown, context?: object) => string,
  options: TRPCOptions | undefined,
): MutationOptions {
  const mutationFn: MutationFn = async (input, context) => {
    const trpc = {
      ...options?.trpc,
      context: { ...options?.trpc?.context, idempotencyKey: key(input, context) },
    };
    return mutation.mutationOptions({ ...options, trpc }).mutationFn(input, context);
  };
  return { ...mutation.mutationOptions(options), mutationFn };
}

/** Recognizes a tRPC mutation, also as a proxy, which is a function and has whatever it is asked for. */
function isTRPCMutation(value: unknown): value is RuntimeTRPCMutation {
  if (typeof value !== 'function' && (typeof value !== 'object' || value === null)) return false;
  return typeof (value as Partial<RuntimeTRPCMutation>).mutationOptions === 'function';
}

/** Keys by the context object that React Query hands to each attempt of one `mutate()`. */
const keysByContext = new WeakMap<object, string>();

/**
 * The first attempt's key counts for all of one `mutate()`: React Query runs a retry with the options of the newest render,
 * whose `operation` may name what the page shows by then.
 */
function keyOf(variables: unknown, context: object | undefined, operation: Operation): string {
  const known = context && keysByContext.get(context);
  if (known !== undefined) return known;
  const parts: unknown = operation(variables);
  if (!Array.isArray(parts)) {
    throw new TypeError(
      `Expected the operation's name to be a list of parts, such as ['pay', invoiceId], got ${typeof parts}`,
    );
  }
  const key = idempotencyKeyFrom(...parts);
  if (context) keysByContext.set(context, key);
  return key;
}
