import type { RefusalCode } from '../admin/contract/refusal.ts';
import type { Rerunner } from '../admin/rerunners/rerunner.ts';
import type { Idempotency } from '../idempotency.ts';
import type { Erased, EraseOptions } from './erase-scope.ts';
import type { FoundKey } from './find-key.ts';
import type { ResolvedPending, ResolvePendingOptions } from './pending-result.ts';

/** The options of `createOperator`. */
export interface OperatorOptions {
  /** The `Idempotency` has to be one with `createMongoStore(...)`: records in memory have no audit. */
  readonly idempotency: Idempotency;
  /**
   * The audit names this as the one who acts, such as `'stripe-webhook'`: 1 to 200 characters. Beside it stands that the command came
   * from code, and on which host.
   */
  readonly by: string;
  /**
   * The rerunners write the data of `complete` in the form of their API. A tRPC root with a transformer needs one; other keys do not.
   * @default none
   */
  readonly rerunners?: readonly Rerunner[];
}

/** A `KeyAddress` says which key is meant. What `find` gives is one, too. */
export interface KeyAddress {
  /** The scope, exactly as the adapter's `scope` gives it. */
  readonly scope: string;
  /** The key, as the client sent it. */
  readonly key: string;
  /**
   * The action is taken only while the record is as this says, which `find` gave: otherwise it is refused as `changed`.
   * @default the record as it stands now
   */
  readonly revision?: string;
}

/** Each action takes these options. */
export interface ActionOptions {
  /** The audit keeps why: 8 to 1,000 characters. */
  readonly reason: string;
  /**
   * The command's own idempotency key, 1 to 100 characters, such as the id of the webhook's event: the same command, sent again, does
   * nothing more, and gets the same answer with `again: true`.
   * @default a new one for each call
   */
  readonly commandKey?: string;
}

interface AnswerOptions extends ActionOptions {
  /**
   * Says which API answers the key. It is needed only where no request was captured and no other record of the operation tells.
   * `'run'` is `idempotency.run(...)`.
   * @default the API of the captured request, or else of other records of the operation
   */
  readonly api?: 'graphql' | 'trpc' | 'http' | 'run';
}

/** The options of `operator.complete`. */
export interface CompleteOptions extends AnswerOptions {
  /**
   * Retries get this: for GraphQL the whole `data` object, for tRPC and `idempotency.run(...)` what the function returns, for HTTP the
   * JSON of the body. It has to be something that JSON can hold.
   */
  readonly data: unknown;
}

/** The options of `operator.fail`. */
export interface FailOptions extends AnswerOptions {
  /** Retries get an error with this message. Of an `Error` the message is taken. */
  readonly error: string | Error;
}

/** The options of `operator.allowRetry` and `operator.expire`. */
export interface MayRepeatOptions extends ActionOptions {
  /**
   * True confirms that the effect may happen twice. Without it the action is refused as `may_repeat` where that is so.
   * @default false
   */
  readonly mayRepeat?: boolean;
}

/** An action has this result. What is refused is no exception, for a client's retry or a person may have been first. */
export type OperatorResult =
  | {
      readonly done: true;
      /** The sentence says what retries get from now on. */
      readonly note: string;
      /** True says that this command was carried out before, and that nothing was done now. */
      readonly again: boolean;
    }
  | {
      /** The action was not taken, and nothing has changed. */
      readonly done: false;
      /** The code is for programs: `wrong_state`, `may_repeat`, `changed`, `not_found`, … More may come in a minor release. */
      readonly code: RefusalCode;
      /** The sentence is for people. */
      readonly why: string;
    };

/**
 * A `KeyOperator` looks at keys and repairs them by code. Its actions go by the rules of the dashboard: each is a compare-and-set, and
 * has an audit entry.
 * @experimental
 */
export interface KeyOperator {
  /**
   * Finds a key; null when the scope has no such key.
   * @example
   * const found = await operator.find({ scope: 'user-1', key: 'k-1' })
   * if (found?.state === 'in_doubt') await operator.complete(found, { data, reason: 'the provider has the charge' })
   * @throws TypeError for a scope or key that is no text
   */
  find(address: KeyAddress): Promise<FoundKey | null>;
  /**
   * Stores the data that retries get, for a key that is in doubt or whose lease has lapsed.
   * @example
   * await operator.complete({ scope, key }, { data: { chargeId }, reason: 'charge.succeeded came', commandKey: event.id })
   * @throws TypeError for an option that is missing or wrong, for data that JSON or the API can not hold, and where nothing tells which
   *   API answers the key
   */
  complete(address: KeyAddress, options: CompleteOptions): Promise<OperatorResult>;
  /**
   * Stores the error that retries get, for a key that is in doubt or whose lease has lapsed.
   * @example
   * await operator.fail({ scope, key }, { error: 'The card was declined', reason: 'charge.failed came', commandKey: event.id })
   * @throws TypeError as `complete` does
   */
  fail(address: KeyAddress, options: FailOptions): Promise<OperatorResult>;
  /**
   * Lets the same request run again, and no other, for a key that failed, is in doubt, or whose lease has lapsed.
   * @example
   * await operator.allowRetry({ scope, key }, { reason: 'the provider knows no such charge', mayRepeat: true })
   * @throws TypeError for an option that is missing or wrong
   */
  allowRetry(address: KeyAddress, options: MayRepeatOptions): Promise<OperatorResult>;
  /**
   * Forgets a key that is completed or released: the next request with it runs, whatever its payload.
   * @example
   * await operator.expire({ scope, key }, { reason: 'the order was cancelled', mayRepeat: true })
   * @throws TypeError for an option that is missing or wrong
   */
  expire(address: KeyAddress, options: MayRepeatOptions): Promise<OperatorResult>;
  /**
   * Removes what is stored of a scope, as for a person who asks to be forgotten: the records with their bodies and steps, and the items
   * of bulk jobs. The audit keeps who did what and when, with a pseudonym in place of the scope and keys. Runs that are under way are
   * left alone, and counted. It works in batches; where it is cut off or finds runs under way, call it again.
   *
   * A key that is erased is unknown: a retry with it runs again. Keep the person out first.
   * @example
   * const { running } = await operator.erase({ scope: 'user-1', reason: 'asked to be forgotten' })
   * if (running > 0) await eraseLater('user-1')
   * @throws TypeError for an option that is missing or wrong
   */
  erase(options: EraseOptions): Promise<Erased>;
  /**
   * Asks a function about the keys that are in doubt or whose lease has lapsed, the oldest first, and settles those of which it knows the
   * end: for cron, since a key that no client retries is asked about by nobody else. Each answer is taken as `complete`, `fail` or
   * `allowRetry` takes it, on the record as it was when the function was asked. What goes wrong with one key is in its result, and the
   * others go on.
   * @example
   * const { counts } = await operator.resolvePending({ limit: 500, resolve: askProvider })
   * if (counts.error > 0) alertSomebody(counts)
   * @throws TypeError for an option that is wrong, and where neither this call nor `createIdempotency` has a `resolve`
   */
  resolvePending(options?: ResolvePendingOptions): Promise<ResolvedPending>;
}
