import { useMemo, useState, useSyncExternalStore } from 'react';
import { checkOptions } from '../../server/engine/check-options.ts';
import { type KeeperState, KeyKeeper, NO_OPERATION } from './key-keeper.ts';
import { currentPage } from './page.ts';

export type { KeeperState } from './key-keeper.ts';

export interface UseIdempotencyKeyOptions {
  /**
   * Under which name the key survives a reload of this tab: one per operation that may be open at the same time
   * (`pay:${invoice.id}`), with the user's id where users change. Components with the same name share the operation.
   * Without it the key lives as long as the component.
   */
  storageKey?: string;
}

export interface IdempotencyKey extends KeeperState {
  /**
   * Sends one attempt of the operation that `input` asks for, and watches how it ends. Retries and second clicks get the
   * key of the first attempt; after a success, or with a changed input after an answer, it is a new one.
   * @throws MustConfirmError, before anything is sent, when the input was changed while `unsettled`
   */
  readonly run: <Result>(input: unknown, send: (key: string) => Promise<Result>) => Promise<Result>;
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
  const { storageKey } = options;
  const [own] = useState(() => new KeyKeeper());
  const keeper = (storageKey !== undefined && keeperOfPage(storageKey)) || own;
  const state = useSyncExternalStore(keeper.subscribe, keeper.state, () => NO_OPERATION);
  return useMemo(() => ({ ...state, run: keeper.run, startOver: keeper.startOver }), [state, keeper]);
}

const CHECKS = {
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
