import type { ActionName, ShownState } from '../../server/admin/contract/contract.ts';

export interface ActionText {
  readonly label: string;
  /** The effect says in one line what the action does, before it is chosen. */
  readonly effect: string;
  /** The operator is told this when the action is done. */
  readonly done: string;
  readonly tone: 'normal' | 'danger';
  /** This key opens the action's dialog on the page of a key. */
  readonly hotkey: string;
  /** A reason that fits, as an example. */
  readonly reason: string;
}

export const ACTIONS = {
  allow_retry: {
    label: 'Allow retry',
    effect: 'The client’s next retry runs again. The key stays bound to this request.',
    done: 'Retry allowed: the client’s next request with this key runs.',
    tone: 'normal',
    hotkey: 'a',
    reason: 'INC-4211: the provider confirmed that nothing was charged',
  },
  rerun: {
    label: 'Re-run now…',
    effect: 'Runs the captured request again, as its original caller.',
    done: 'Re-run finished.',
    tone: 'danger',
    hotkey: 'u',
    reason: 'INC-4211: nothing was charged, and the customer waits for the order',
  },
  complete: {
    label: 'Mark completed…',
    effect: 'It did happen: retries get the response that you give. Nothing runs.',
    done: 'Marked completed: retries get the response that you gave.',
    tone: 'normal',
    hotkey: 'c',
    reason: 'INC-4211: the charge is in the provider’s dashboard',
  },
  fail: {
    label: 'Mark failed…',
    effect: 'It did not happen and must not: retries get a final error. Nothing runs.',
    done: 'Marked failed: retries get the error that you gave.',
    tone: 'normal',
    hotkey: 'f',
    reason: 'INC-4211: the provider has no such charge, and the order was cancelled',
  },
  expire: {
    label: 'Expire now…',
    effect: 'Forgets the key and its request: any request with this key runs as new.',
    done: 'Expired: the key is free for any request.',
    tone: 'danger',
    hotkey: 'e',
    reason: 'INC-4211: the client uses the key again for a new order',
  },
  force_release: {
    label: 'Force release…',
    effect: 'Break glass: frees the key of a running worker. It can not stop the worker.',
    done: 'Released by force: the worker may still be at work, its result can not be recorded.',
    tone: 'danger',
    hotkey: 'o',
    reason: 'INC-4211: its worker hangs since the deploy, and was stopped by hand',
  },
  purge_body: {
    label: 'Purge body…',
    effect: 'Drops the stored response for good, and keeps its outcome.',
    done: 'Body purged: retries are told that it ran and that the result was not retained.',
    tone: 'danger',
    hotkey: 'p',
    reason: 'DSR-318: the customer asked for the erasure of personal data',
  },
} as const satisfies Record<ActionName, ActionText>;

/**
 * The actions for a state are in the order in which they should be considered: those that can not repeat an effect
 * come first.
 */
export const ACTIONS_BY_STATE = {
  in_doubt: ['complete', 'fail', 'allow_retry', 'rerun'],
  lapsed: ['complete', 'fail', 'allow_retry'],
  running: ['force_release'],
  completed: ['allow_retry', 'rerun', 'expire', 'purge_body'],
  released: ['rerun', 'expire'],
  expired: [],
  unreadable: [],
} as const satisfies Record<ShownState, readonly ActionName[]>;

/** An operator should think of these first: they can not repeat an effect that is unknown. */
export const RECOMMENDED: readonly ActionName[] = ['complete', 'fail'];

/** The operator should consider the mark actions first in these states. */
export const MARKS_FIRST: ReadonlySet<ShownState> = new Set(['in_doubt', 'lapsed']);

export const REASON_MIN_LENGTH = 8;

/** Names an action without the dots that say that a dialog opens. */
export function actionName(action: ActionName): string {
  return ACTIONS[action].label.replace('…', '');
}
