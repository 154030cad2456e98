import { isObject } from './option-checks.ts';
import { whatCame } from './what-came.ts';

/** A `Resolution` is what a `resolve` function says of a run whose end nobody knows. */
export type Resolution =
  /** It had its effect: the caller, and each retry after it, gets this as the result. */
  | { readonly action: 'complete'; readonly data: unknown }
  /** It failed for good: the caller, and each retry after it, gets this error. */
  | { readonly action: 'fail'; readonly error: unknown }
  /** It had no effect, or one that the handler does not repeat: the handler runs now, for the caller that asks. */
  | { readonly action: 'retry' }
  /** Nobody knows yet: the record stays in doubt, and the caller gets IDEMPOTENCY_IN_DOUBT. The next retry asks again. */
  | { readonly action: 'in_doubt' };

/** A `Doubt` is a run whose end nobody knows, as a `resolve` function sees it: with what finds out whether its effect happened. */
export interface Doubt {
  /** The scope of the key: whose it is. */
  readonly scope: string;
  /** The key of the lost run, as the client sent it. */
  readonly key: string;
  /** The root fields (`chargeCard`), the procedure's path, or the operation of an HTTP handler. */
  readonly operation: string;
  /**
   * `lapsed`: the run's process died or could not renew its lease, and the run may have had its effect. `in_doubt`: the key was left
   * in doubt, by the handler (`run.inDoubt`), by `classify`, by `maxRunMs`, or by an earlier retry.
   */
  readonly state: 'lapsed' | 'in_doubt';
  /** The reason for which the key was left in doubt, as the dashboard shows it; undefined for a lapsed run. */
  readonly reason: string | undefined;
  /** The lost run was this attempt: 1 for the first run of the key. Questions that left the key in doubt do not count. */
  readonly attempt: number;
  /**
   * The lost run began at this time, by the store's clock. After some ten questions that left the key in doubt it is the time
   * at which the key was first used, which is never later.
   */
  readonly startedAt: Date;
  /** The names of the steps that the key's runs have finished, in that order. */
  readonly finishedSteps: readonly string[];
  /** This signal aborts when the function has taken longer than `leaseMs`, or can no longer be relied on to be the only one asked. */
  readonly signal: AbortSignal;
  /** Gives the key that `run.downstreamKey(name)` gave to the lost run: ask the other service by it. */
  downstreamKey(name: string): string;
  /**
   * Gives the value of a finished step, decrypted; undefined where no step of that name has finished. A step that returned nothing
   * has the value undefined, too: look into `finishedSteps` for those.
   * @throws IdempotencyError IDEMPOTENCY_RESULT_NOT_RETAINED when the step has finished and its value was too large or is damaged
   */
  step<T = unknown>(name: string): Promise<T | undefined>;
}

/**
 * A `Resolver` decides about a run whose end nobody knows, for example by asking the payment provider. It is asked by a retry, which waits for
 * it, and by one retry at a time. What it throws, gives unusably or takes longer than `leaseMs` for leaves the key in doubt.
 * `Call` is the call of that retry: its arguments and context.
 */
export type Resolver<Call = unknown> = (doubt: Doubt & Call) => Resolution | Promise<Resolution>;

/** @throws TypeError for what a `resolve` function gave that is none */
export function checkResolution(resolution: Resolution | undefined): Resolution {
  const action: unknown = resolution?.action;
  switch (action) {
    case 'complete':
      return checkMember(resolution as Resolution, 'data');
    case 'fail':
      return checkMember(resolution as Resolution, 'error');
    case 'retry':
    case 'in_doubt':
      return resolution as Resolution;
    default:
      throw new TypeError(
        `Expected \`resolve\` to return an object with the action complete, fail, retry or in_doubt, got ${isObject(resolution) ? `the action ${whatCame(action)}` : whatCame(resolution)}`,
      );
  }
}

/** A misspelt member would be stored as a result of nothing. It may be undefined, where that is what the handler returns. */
function checkMember(resolution: Resolution, member: 'data' | 'error'): Resolution {
  if (member in resolution) return resolution;
  const members = Object.keys(resolution).join(', ');
  throw new TypeError(
    `Expected \`resolve\` to return \`${member}\` with the action ${resolution.action}, got the members ${members}`,
  );
}
