import { tellRefusal } from './adapter/call-events.ts';
import { giveInternals } from './adapter/internals.ts';
import { sealBody } from './bodies/bodies.ts';
import { captureOf } from './bodies/capture.ts';
import { anyOf, type BodyPart, type ReadableRecord, storedText } from './bodies/stored-text.ts';
import type { Answer, KeyedCall } from './call.ts';
import { checkOptions, type Origin, optionsOf } from './engine/check-options.ts';
import type { Cipher } from './engine/cipher.ts';
import type { ClaimRequest } from './engine/decide.ts';
import { isIdempotencyError, misconfigured, refusal } from './engine/errors.ts';
import { checkKey, checkScope } from './engine/key.ts';
import { isPromise } from './engine/maybe-promise.ts';
import { aBoolean, aFunction, type Check, integer, isObject, required } from './engine/option-checks.ts';
import type { ByRequest, Policy, ResolvedPolicy } from './engine/policy.ts';
import type { KeyRecord, StoredBody } from './engine/record.ts';
import { policyOfCall } from './engine/request-policy.ts';
import { POLICY_CHECKS, resolvePolicy } from './engine/resolve-policy.ts';
import type { Store } from './engine/store.ts';
import { whatCame } from './engine/what-came.ts';
import { withHelp } from './engine/with-help.ts';
import { ask } from './execution/ask.ts';
import { ClaimLoop } from './execution/claim-loop.ts';
import { claimRequestOf } from './execution/claim-request.ts';
import { type Waits, waitedBy } from './execution/claimant.ts';
import { followedHost, type Host } from './execution/host.ts';
import { LocalRuns } from './execution/local-runs.ts';
import { startWait, type Wait } from './execution/wait.ts';
import type { Idempotency, IdempotencyOptions } from './idempotency.ts';
import type { KeyQuestion, KeyStatus, Patience } from './key-status.ts';
import { checkPlainCall, keyedPlainCall, type PlainCall } from './plain/plain-call.ts';
import { mustBeJson, returned } from './plain/plain-codec.ts';
import { type GuardedTelemetry, guardedTelemetry } from './process/guarded-telemetry.ts';
import { LONGEST_TIMER_MS, OpenWork } from './process/open-work.ts';
import { Stats } from './process/stats.ts';
import { StoreOutage } from './process/store-outage.ts';
import { StoreUser } from './process/store-user.ts';
import type { Jsonify } from './run/jsonify.ts';
import { isInsideRun, type Run, runUnrecorded } from './run/run.ts';
import type { CallTrace } from './telemetry.ts';

/**
 * Makes what all adapters of a process share: the store of the keys, and the defaults of every operation's policy. Make one at
 * start-up, await `ready()`, and `close()` it before the process ends.
 *
 * @example
 * const idempotency = createIdempotency({ store: createMongoStore({ db: client.db('shop') }) })
 * await idempotency.ready()
 * @throws TypeError for an option that is unknown or out of range
 */
export function createIdempotency(options: IdempotencyOptions): Idempotency {
  return new Engine(options);
}

const CHECKS: Readonly<Record<keyof IdempotencyOptions, Check>> = {
  store: required({
    expected: 'a Store, such as createMongoStore(...) returns',
    accepts: (value) => typeof (value as Store | null)?.claim === 'function',
  }),
  onEvent: aFunction,
  onStoreCommand: aFunction,
  telemetry: {
    expected: 'a Telemetry, such as createTelemetry() of latchkey/otel returns',
    accepts: isObject,
  },
  enabled: aBoolean,
  ...POLICY_CHECKS,
};

const ORIGIN: Origin = {
  of: 'createIdempotency',
  elsewhere: {
    ...optionsOf('createMongoStore(...)', ['db', 'collection', 'indexes', 'timeoutMs']),
    ...optionsOf(
      'the adapter: useIdempotency(...), createIdempotencyMiddleware(...) or createIdempotencyHandler(...)',
      ['scope', 'key', 'request', 'headerName', 'require', 'authorizeReplay', 'policy', 'fields', 'methods'],
    ),
  },
};

class Engine implements Idempotency {
  readonly enabled: boolean;
  readonly #store: Store;
  readonly #defaults: ResolvedPolicy;
  readonly #ciphers: Set<Cipher>;
  readonly #host: Host;
  readonly #work = new OpenWork();
  readonly #user: StoreUser;
  #needs = { transactions: false };
  readonly #stats: Stats;
  readonly #outage = new StoreOutage();
  readonly #telemetry: GuardedTelemetry;
  #ready: Promise<void> | undefined;
  #isReady = false;

  readonly #options: IdempotencyOptions;

  /** @param ciphers those of the siblings, so that each opens what all have stored */
  constructor(options: IdempotencyOptions, ciphers = new Set<Cipher>()) {
    checkOptions<IdempotencyOptions>(options, CHECKS, ORIGIN);
    this.#options = options;
    this.#ciphers = ciphers;
    const { store, onEvent, onStoreCommand, telemetry, enabled = true, ...policy } = options;
    this.enabled = enabled;
    this.#store = store;
    this.#user = new StoreUser(store);
    this.#defaults = resolvePolicy(policy);
    this.#note(this.#defaults);
    this.#telemetry = guardedTelemetry({ onEvent, onStoreCommand, telemetry }, store);
    const { tell } = this.#telemetry;
    this.#stats = new Stats(store, tell);
    this.#host = {
      store,
      locals: new LocalRuns(),
      emit: (event) => {
        this.#stats.listen(event);
        tell(event);
      },
      began: (request) => this.#stats.began(request),
      closing: this.#work.closing,
      stopped: this.#work.stopped,
      track: (work) => void this.#work.track(work),
    };
    giveInternals(this, {
      store,
      policy: (...args) => this.#policy(...args),
      execute: (call) => this.#execute(call),
      seal: (...args) => this.#seal(...args),
      open: (...args) => this.open(...args),
      report: (event) => this.#host.emit(event),
    });
  }

  #policy(overrides: Policy<never, never> = {}, origin?: Origin): ResolvedPolicy {
    return this.#note(resolvePolicy(overrides, this.#defaults, origin));
  }

  async open(
    record: ReadableRecord,
    part: BodyPart,
    { mostBytes }: { mostBytes?: number } = {},
  ): Promise<string> {
    return storedText(record, part, this.#ciphers, mostBytes);
  }

  async #seal(
    { scope, key, life }: Pick<KeyRecord, 'scope' | 'key' | 'life'>,
    response: StoredBody,
  ): Promise<StoredBody> {
    const { body, format } = response;
    if (body === undefined) return response;
    const { compressAboveBytes, maxResultBytes: maxBytes } = this.#defaults;
    const [cipher = null] = this.#ciphers;
    return sealBody(
      body,
      { scope, key, life, part: 'response', format },
      { cipher, compressAboveBytes, maxBytes },
    );
  }

  /** Notes what a policy needs. `ready()` then checks for that, also when it has checked for earlier policies before. */
  #note(policy: ResolvedPolicy): ResolvedPolicy {
    if (policy.cipher) this.#ciphers.add(policy.cipher);
    if (policy.transaction && !this.#needs.transactions) {
      this.#needs = { transactions: true };
      this.#ready = undefined;
      this.#isReady = false;
    }
    return policy;
  }

  ready(): Promise<void> {
    if (this.#ready) return this.#ready;
    const ready = this.#prepare().then(
      () => {
        this.#isReady = this.#ready === ready;
      },
      (error) => {
        if (this.#ready === ready) this.#ready = undefined;
        throw error;
      },
    );
    this.#ready = ready;
    return ready;
  }

  async #prepare(): Promise<void> {
    if (this.#needs.transactions && !this.#store.begin) {
      const text =
        'A policy has `transaction: true`, but the store has no transactions; use createMongoStore(...) on a replica set';
      throw new Error(withHelp(text, 'ready'));
    }
    await this.#store.ready(this.#needs);
  }

  async close({ timeoutMs = 10_000 }: { timeoutMs?: number | null } = {}): Promise<void> {
    const waitMs = timeoutMs === null ? LONGEST_TIMER_MS : checkTimeout(timeoutMs, ' or null');
    const until = performance.now() + (await this.#work.close(waitMs));
    this.#telemetry.stop();
    await this.#stats.close(Math.max(0, until - performance.now()));
    if (this.#user.leave()) await this.#store.close(Math.max(0, until - performance.now()));
  }

  with(others: { readonly store: Store }): Idempotency {
    checkOptions<typeof others>(others, { store: CHECKS.store }, { of: 'idempotency.with' });
    return new Engine({ ...this.#options, store: others.store }, this.#ciphers);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  run<T, Input>(
    call: PlainCall<Input>,
    fn: (run: Run) => T | Promise<T>,
    policy: Policy<PlainCall<Input>> | ByRequest<PlainCall<Input>> = {},
  ): Promise<Jsonify<T>> {
    return this.#work.track(
      this.#run(call, fn, policy as Policy<never, never> | ByRequest<PlainCall>),
    ) as Promise<Jsonify<T>>;
  }

  async #run(
    call: PlainCall,
    fn: (run: Run) => unknown,
    given: Policy<never, never> | ByRequest<PlainCall>,
  ): Promise<unknown> {
    checkPlainCall(call, fn);
    const [decide, own] = typeof given === 'function' ? [given, {}] : [undefined, given];
    if (!isObject(own)) {
      throw new TypeError(`Expected \`policy\` to be an object or a function, got ${whatCame(own)}`);
    }
    const fixed = this.#policy({ keyFormat: 'any', ...own }, { of: 'idempotency.run', at: 'policy' });
    if (!this.enabled) return mustBeJson(returned(await runUnrecorded(call, fn))).data;
    const ofOne = decide && { decide, origin: { of: 'idempotency.run' } };
    const policy = await policyOfCall(fixed, { ofOne, own }, () => call);
    const keyed = await keyedPlainCall(call, fn, policy).catch((error) => {
      tellRefusal(this, error, { operation: call.operation });
      throw error;
    });
    const { value } = await this.#execute(keyed);
    if ('thrown' in value) throw value.thrown;
    return mustBeJson(value).data;
  }

  #execute<Value>(call: KeyedCall<Value>): Promise<Answer<Value>> {
    return this.#work.track(this.#answer(call));
  }

  async #answer<Value>(call: KeyedCall<Value>): Promise<Answer<Value>> {
    const waits: Waits = { total: undefined };
    let trace: CallTrace | undefined;
    let request: ClaimRequest | undefined;
    try {
      request = claimRequestOf(call);
      this.#work.closing.throwIfAborted();
      if (isInsideRun(request.scope, request.key)) throw refusal('IDEMPOTENCY_IN_PROGRESS', 'own_run');
      if (!this.#isReady) await this.#awaitReady();
      const capturing = captureOf(call, request);
      const captured = isPromise(capturing) ? await capturing : capturing;
      trace = this.#telemetry.follow(request);
      const { traceparent } = trace ?? {};
      const host = trace ? followedHost(this.#host, trace) : this.#host;
      if (captured) request = { ...request, captured };
      if (traceparent !== undefined) request = { ...request, traceparent };
      const answer = await new ClaimLoop({ host, call, request, waits, trace }).answer();
      this.#outage.answered();
      trace?.end();
      return answer;
    } catch (error) {
      this.#outage.refused(error);
      const { operation } = call;
      const { scope = '', key = '' } = request ?? {};
      tellRefusal(this, error, { scope, key, operation, ...waitedBy(waits) });
      trace?.end(error);
      throw error;
    }
  }

  peek<Result>(question: KeyQuestion<Result>): Promise<KeyStatus<Result>> {
    return this.#work.track(this.#ask(question, undefined));
  }

  attach<Result>(question: KeyQuestion<Result> & Patience): Promise<KeyStatus<Result>> {
    return this.#work.track(this.#attach(question));
  }

  async #attach<Result>({ signal, timeoutMs, ...question }: KeyQuestion<Result> & Patience) {
    const wait = startWait(
      checkTimeout(timeoutMs ?? this.#defaults.waitTimeoutMs),
      signal ? [this.#work.closing, signal] : [this.#work.closing],
    );
    try {
      return await this.#ask(question, wait);
    } finally {
      wait.end();
    }
  }

  async #ask<Result>(question: KeyQuestion<Result>, wait: Wait | undefined): Promise<KeyStatus<Result>> {
    const scope = checkScope(question.scope);
    const key = checkKey(question.key);
    if (!this.enabled) return { state: 'unknown' }; // no call leaves a record
    (wait?.signal ?? this.#work.closing).throwIfAborted();
    await this.#awaitReady();
    const isOwn = isInsideRun(scope, key); // a run that waits for itself waits for ever
    const began = performance.now();
    const status = await ask({
      ...question,
      store: this.#store,
      scope,
      key,
      cipher: anyOf(this.#ciphers),
      wait: isOwn ? undefined : wait,
    });
    const { state } = status;
    const waited = wait && { waitedMs: performance.now() - began };
    this.#host.emit({ type: 'asked', scope, key, operation: '', state, ...waited });
    return status;
  }

  /** A wrong set-up lets nothing through, and to try again is of no use; the cause says what to mend. */
  async #awaitReady(): Promise<void> {
    try {
      await this.ready();
    } catch (cause) {
      throw isIdempotencyError(cause) ? cause : misconfigured(cause);
    }
  }
}

const aTimeout = integer(0, LONGEST_TIMER_MS);

function checkTimeout(timeoutMs: number, orElse = ''): number {
  if (aTimeout.accepts(timeoutMs)) return timeoutMs;
  throw new TypeError(
    `Expected \`timeoutMs\` to be ${aTimeout.expected}${orElse}, got ${whatCame(timeoutMs)}`,
  );
}
