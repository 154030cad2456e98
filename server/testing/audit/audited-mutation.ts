/**
 * An `AuditedMutation` is one operation of an application that `retryAudit` tries. It may have fields of your own, for your `send`.
 *
 * @experimental
 */
export interface AuditedMutation<Input = unknown> {
  /** Names the mutation in the report. */
  readonly name: string;
  /** Arguments with which it succeeds and has its effect, each time that it runs. */
  readonly input: Input;
  /**
   * Other arguments with which it succeeds, too: the same key with them has to be refused.
   * @default that is not tried
   */
  readonly otherInput?: Input;
  /**
   * How it fails after its effect: a retry must not have the effect again.
   * @default that is not tried
   */
  readonly failing?: FailingMutation<Input>;
  /**
   * Says what becomes of a request without a key: it is refused, or it may run.
   * @default 'refused'
   */
  readonly keyless?: 'refused' | 'allowed';
  /**
   * Counts how often the effect has happened so far, of whatever key and scope: rows, requests to a mock of the provider, messages sent.
   * Count what the world sees: a provider that knows idempotency keys charges once for two requests.
   */
  effects(): number | Promise<number>;
}

/** A `FailingMutation` says how a mutation can be made to fail after its effect: by its arguments, by what you break around it, or both. @experimental */
export interface FailingMutation<Input = unknown> {
  /** Arguments with which it fails. @default the mutation's `input` */
  readonly input?: Input;
  /** Breaks what comes after the effect, such as the mail that confirms it. @default nothing is broken */
  arrange?(): unknown;
  /** Mends what `arrange` broke. It is called before the retry. @default nothing is mended */
  restore?(): unknown;
}

/** An `AuditCall` is what `retryAudit` asks your `send` to send. @experimental */
export interface AuditCall<Input = unknown> {
  /** The idempotency key; undefined for a request without one. */
  readonly key: string | undefined;
  /** The name of the caller: one of `scopes`. */
  readonly scope: string;
  /** The input of the mutation. */
  readonly input: Input;
}

/**
 * Sends one mutation of your application, as a client does, and resolves with the answer: its status and body, or what a caller in the
 * process gets; a `Response` is read for you. Leave out what is new with each request, such as a `Date` header. A rejection is an answer, too.
 *
 * @experimental
 */
export type AuditSend<Mutation extends AuditedMutation> = (
  mutation: Mutation,
  call: AuditCall<Mutation['input']>,
) => Promise<unknown>;
