import { useCallback, useMemo, useState, useSyncExternalStore } from 'react';
import { checkOptions } from '../../server/engine/check-options.ts';
import { aHeaderName } from '../../server/engine/option-checks.ts';
import { keyHeader } from '../key/key-header.ts';
import { type KeeperState, KeyKeeper, NO_OPERATION } from './key-keeper.ts';
import type { SomeKeyStatus } from './known-outcome.ts';
import { currentPage } from './page.ts';

export type { KeeperState } from './key-keeper.ts';
export type { SomeKeyStatus } from './known-outcome.ts';

/** Options of {@link useIdempotencyKey}. */
export interface UseIdempotencyKeyOptions {
  /**
   * Under which name the key survives a reload of this tab: one per operation that may be open at the same time
   * (`pay:${invoice.id}`), with the user's id where users change. Components with the same name share the operation.
   * @default none: the key lives as long as the component
   */
  storageKey?: string;
  /**
   * The `headerName` of your server, for the `headers` that `run` hands out.
   * @default 'Idempotency-Key'
   */
  headerName?: string;
}

/** What one attempt is sent with, beside the key itself. */
export interface KeyedAttempt {
  /** The header that carries the key, for a client of HTTP. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What {@link useIdempotencyKey} returns: the state of the operation, and what can be done with it. */
export interface IdempotencyKey extends KeeperState {
  /**
   * Sends one attempt of the operation that `input` asks for, and watches how it ends. Retries and second clicks get the
   * key of the first attempt; after a success, or with a changed input after an answer, it is a new one.
   * @example
   * run(payment, (_key, { headers }) => fetch('/payments', { method: 'POST', headers, body: JSON.stringify(payment) }))
   * @throws MustConfirmError, before anything is sent, when the input was changed while `unsettled`
   */
  readonly run: <Result>(
    input: unknown,
    send: (key: string, attempt: KeyedAttempt) => Promise<Result>,
  ) => Promise<Result>;
  /**
   * Asks the server what became of the operation, without sending it again: after a lost answer, or a reload that took the input.
   * `ask` gets the key and returns what the server says (`checkKey`, a tRPC query, a GraphQL field). Where that tells how the
   * operation ended, it is no longer `unsettled`; after a success the next `run` is a new one.
   *
   * @returns what `ask` returned; undefined, without asking, when no operation is under way
   * @throws whatever `ask` throws; the operation then stays as it was
   * @example
   * useEffect(() => {
   *   if (unsettled) check((key) => checkKey('/payments/status', key, { waitMs: 10_000 })).then(show)
   * }, [unsettled, check])
   */
  readonly check: <Status extends SomeKeyStatus>(
    ask: (key: string) => Promise<Status>,
  ) => Promise<Status | undefined>;
  /** The `run` that follows is a new operation, whatever became of the last one: with the user's consent. */
  readonly startOver: () => Promise<void>;
}

/**
 * The key of the operation that a form or a button stands for: kept across retries, second clicks and a reload, new after
 * a success, never of another tab.
 *
 * @example
 * const { run, mustConfirm, startOver } = useIdempotencyKey({ storageKey: idempotencyKeyFrom('pay', invoice.id) })
 * const payment = useMutation({
 *   mutationFn: (input) => run(input, (key) => trpc.pay.mutate(input, { context: { idempotencyKey: key } })),
 *   retry: (failures, error) => failures < 3 && isRetryable(error),
 * })
 * @throws TypeError for a `storageKey` that is no text: all forms without one would share an operation
 */
export function useIdempotencyKey(options: UseIdempotencyKeyOptions = {}): IdempotencyKey {
  checkOptions<UseIdempotencyKeyOptions>(options, CHECKS, { of: 'useIdempotencyKey' });
  const { storageKey, headerName } = options;
  const [own] = useState(() => new KeyKeeper());
  const keeper = (storageKey !== undefined && keeperOfPage(storageKey)) || own;
  const state = useSyncExternalStore(keeper.subscribe, keeper.state, () => NO_OPERATION);
  const run = useCallback<IdempotencyKey['run']>(
    (input, send) => keeper.run(input, (key) => send(key, { headers: keyHeader(key, headerName) })),
    [keeper, headerName],
  );
  return useMemo(
    () => ({ ...state, run, check: keeper.check, startOver: keeper.startOver }),
    [state, run, keeper],
  );
}

const CHECKS = {
  headerName: aHeaderName,
  storageKey: {
    expected: 'a string that is not empty',
    accepts: (value: unknown) => typeof value === 'string' && value.trim() !== '',
  },
};

const keepers = new Map<string, KeyKeeper>();

/** Finds the one keeper of a name and page, whichever components come and go. A server has none: there it would be shared by all users. */
function keeperOfPage(name: string): KeyKeeper | undefined {
  const page = keepers.has(name) ? undefined : currentPage();
  if (page) keepers.set(name, new KeyKeeper(page, name));
  return keepers.get(name);
}
