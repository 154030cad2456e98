import { openBody } from '../bodies/bodies.ts';
import type { Answer, Encoded, KeyedCall } from '../call.ts';
import { replayableBody } from '../engine/body.ts';
import { type ClaimRequest, decide } from '../engine/decide.ts';
import { isIdempotencyError, refusal } from '../engine/errors.ts';
import { ruleOf } from '../engine/fingerprint.ts';
import type { Resolution, Resolver } from '../engine/policy.ts';
import type { KeyRecord, RunningRecord, StoredRecord } from '../engine/record.ts';
import type { ClaimAnswer, Snapshot } from '../engine/store.ts';
import type { IdempotencyEvent } from '../events.ts';
import { textOf } from '../reason.ts';
import { Execution, encodedBy, type Host } from './execution.ts';
import type { LocalEnd } from './local-runs.ts';

type Won = Extract<ClaimAnswer, { won: true }>;

/** One call, from its first claim to its answer: ask the store, decide, carry out, until there is one. */
export class ClaimLoop<Value> {
  readonly #host: Host;
  readonly #call: KeyedCall<Value>;
  #request: ClaimRequest;
  #patience: { signal: AbortSignal; end: () => void } | undefined;

  constructor(host: Host, call: KeyedCall<Value>, request: ClaimRequest) {
    this.#host = host;
    this.#call = call;
    this.#request = request;
  }

  async answer(): Promise<Answer<Value>> {
    try {
      let answer: Answer<Value> | undefined;
      while (!answer) answer = (await this.#join()) ?? (await this.#claim());
      return answer;
    } finally {
      this.#patience?.end();
    }
  }

  /** Undefined when the key is to be claimed again. */
  async #claim(): Promise<Answer<Value> | undefined> {
    const underWay = this.#host.locals.findClaim(this.#request);
    if (underWay) {
      // A thousand duplicates in one moment cost one claim.
      const found = await underWay;
      return found && this.#carryOut(found);
    }
    const claim = this.#host.locals.claim(this.#request);
    try {
      const claimed = await this.#host.store.claim(this.#request);
      // Its start ends the local claim: from then on there is a run to join.
      if (claimed.won) return await this.#run(claimed, 'claimed');
      return await this.#carryOut(claimed, claim.end);
    } catch (error) {
      claim.fail(error);
      throw error;
    } finally {
      claim.end(undefined);
    }
  }

  /** @param onFound is told of the record that stands, once this call does not take it over */
  async #carryOut(
    first: Snapshot,
    onFound: (found: Snapshot) => void = () => {},
  ): Promise<Answer<Value> | undefined> {
    let found = first;
    for (;;) {
      const decision = decide(found.record, this.#request, found.now);
      if (decision.do !== 'take_over') onFound(found);
      switch (decision.do) {
        case 'claim':
        case 'run': // ours after all, as when a copy of a lost request won: claiming again renews it and says so
          this.#host.closing.throwIfAborted();
          return undefined;
        case 'wait': {
          const joined = await this.#join();
          if (joined) return joined;
          found = await this.#watch(decision.record);
          break;
        }
        case 'take_over': {
          if (decision.to === 'ask') return this.#ask(decision.record);
          const taken = await this.#host.store.takeOver(this.#request, decision.record, decision.to);
          if (taken.won) return this.#run(taken, 'taken_over');
          found = taken;
          break;
        }
        case 'replay':
          return await this.#replay(decision.record.response, decision.record.life);
        case 'refuse':
          if (decision.reason === 'rule' && (await this.#learnRuleOf(found.record))) return undefined;
          throw refusal(decision.code, decision.reason);
        default:
          decision satisfies never;
      }
    }
  }

  /**
   * A record that was made by another policy (of another release, mostly) names its rule, and the request is compared by
   * that. False when it is not known how.
   */
  async #learnRuleOf(record: StoredRecord | null): Promise<boolean> {
    const { fingerprint, operation } = record ?? {};
    const { fingerprints } = this.#request;
    if (typeof fingerprint !== 'string') return false;
    const rule = ruleOf(fingerprint);
    if (fingerprints.some((known) => ruleOf(known) === rule)) return false; // it is the selection's
    const learnt = await this.#call.fingerprintBy?.(rule, String(operation));
    if (learnt === undefined) return false;
    this.#request = { ...this.#request, fingerprints: [...fingerprints, learnt] };
    return true;
  }

  async #run(won: Won, how: 'claimed' | 'taken_over'): Promise<Answer<Value> | undefined> {
    const execution = await this.#start(won, how);
    return execution && { value: await execution.run(), replayed: false };
  }

  /**
   * What was acknowledged late has little lease left, perhaps none: it is renewed before anything starts. Undefined when
   * it is no longer ours.
   */
  async #start({ held, sentAt }: Won, how: 'claimed' | 'taken_over'): Promise<Execution<Value> | undefined> {
    const { leaseMs } = this.#request;
    let coveredFrom = sentAt;
    try {
      this.#host.closing.throwIfAborted();
      if (performance.now() - sentAt > leaseMs / 3) {
        coveredFrom = performance.now();
        const renewed = await this.#host.store.renew(held, this.#request);
        if (!renewed.applied) return undefined;
        this.#host.closing.throwIfAborted();
        // Its signal would be aborted before the handler looks at it.
        if (performance.now() - coveredFrom >= leaseMs) throw refusal('STORE_UNAVAILABLE', 'timeout');
      }
    } catch (error) {
      // What was taken over lapses again: a release would let another request have a key whose effect is unknown.
      if (how === 'claimed') this.#host.store.abandon(this.#request);
      throw error;
    }
    return new Execution(this.#host, this.#call, this.#request, held, coveredFrom);
  }

  /** The run of this process that this call may wait for without asking the store. Undefined: there is none. */
  async #join(): Promise<Answer<Value> | undefined> {
    const ended = this.#host.locals.find(this.#request);
    if (!ended) return undefined;
    const end = await untilAborted(ended, this.#waitSignal());
    return end.to === 'completed' ? await this.#joined(end) : undefined;
  }

  async #joined(end: Extract<LocalEnd, { to: 'completed' }>): Promise<Answer<Value>> {
    if (end.selection !== this.#request.selections?.[0]) throw refusal('SELECTION_CHANGED');
    return this.#replay(end.response, end.life);
  }

  #watch(record: RunningRecord): Promise<Snapshot> {
    return this.#host.store.watch(record, this.#waitSignal());
  }

  /** One wait time for the whole call, however often what it waits for changes. */
  #waitSignal(): AbortSignal {
    const { concurrent, waitTimeoutMs } = this.#call.policy;
    if (concurrent === 'reject') throw refusal('IN_PROGRESS');
    this.#patience ??= patience(waitTimeoutMs, this.#host.closing);
    this.#patience.signal.throwIfAborted();
    return this.#patience.signal;
  }

  async #replay(response: unknown, life: number): Promise<Answer<Value>> {
    await this.#authorizeReplay();
    const { scope, key } = this.#request;
    const { codec, policy } = this.#call;
    const stored = replayableBody(response, codec.format);
    const place = { scope, key, life, part: 'response', format: stored.format } as const;
    const body = await openBody(stored, place, policy.cipher);
    let value: Value;
    try {
      value = codec.decode(body);
    } catch (cause) {
      throw refusal('RESULT_NOT_RETAINED', 'damaged', cause);
    }
    this.#emit('replayed');
    return { value, replayed: true };
  }

  /** Before anything of the answer is looked at, and after all waiting: what was withdrawn meanwhile counts. */
  async #authorizeReplay(): Promise<void> {
    if (!this.#call.authorizeReplay) return;
    const verdict: unknown = await this.#call.authorizeReplay().catch((error) => {
      if (!isIdempotencyError(error)) this.#emit('refused', { code: 'REPLAY_FORBIDDEN', error });
      throw error;
    });
    if (verdict === true) return;
    if (verdict === false) throw refusal('REPLAY_FORBIDDEN');
    throw new TypeError(`Expected \`authorizeReplay\` to return true or false, got ${textOf(verdict)}`);
  }

  #emit(type: 'replayed' | 'refused', more: Pick<IdempotencyEvent, 'code' | 'error'> = {}): void {
    const { scope, key, operation } = this.#request;
    this.#host.emit({ type, scope, key, operation, ...more });
  }

  /** Asks the developer's resolver, under a takeover: others meanwhile see a run. Undefined: claim again. */
  async #ask(record: KeyRecord): Promise<Answer<Value> | undefined> {
    const taken = await this.#host.store.takeOver(this.#request, record, 'running');
    if (!taken.won) return undefined;
    const execution = await this.#start(taken, 'taken_over');
    if (!execution) return undefined;
    const { onAbandoned, leaseMs } = this.#call.policy;
    const timeout = new AbortController();
    const timer = setTimeout(() => timeout.abort(refusal('LEASE_LOST', 'timeout')), leaseMs);
    const signal = AbortSignal.any([timeout.signal, execution.lease.signal]);
    let resolution: Resolution;
    let given: { readonly value: Value; readonly encoded: Encoded } | undefined;
    try {
      const asked = Promise.resolve((onAbandoned as Resolver)(record, signal));
      resolution = checkResolution(await untilAborted(asked, signal));
      // In here, for it may be nothing that the host can answer with.
      if (resolution.action === 'complete' || resolution.action === 'fail') {
        const value = this.#call.codec.resolve(resolution);
        given = { value, encoded: encodedBy(this.#call, value) };
      }
    } catch (cause) {
      await execution.inDoubt(
        signal.aborted ? 'resolver took too long' : `resolver failed: ${textOf(cause)}`,
      );
      throw refusal('IN_DOUBT', 'resolver_failed', cause);
    } finally {
      clearTimeout(timer);
    }
    switch (resolution.action) {
      case 'rerun':
        execution.stop(); // the run gets a lease that is as good as new
        return this.#run({ ...taken, sentAt: Number.NEGATIVE_INFINITY }, 'taken_over');
      case 'in_doubt':
        await execution.inDoubt('resolver');
        throw refusal('IN_DOUBT');
      case 'complete':
      case 'fail': {
        const { value, encoded } = given as NonNullable<typeof given>;
        await execution.complete(encoded);
        await this.#authorizeReplay(); // the answer is of a run that this call did not make, and stands either way
        return { value, replayed: true };
      }
      default:
        return resolution satisfies never;
    }
  }
}

function checkResolution(resolution: Resolution): Resolution {
  const action: unknown = resolution?.action;
  if (action === 'rerun' || action === 'in_doubt' || action === 'complete' || action === 'fail')
    return resolution;
  throw new TypeError(
    `Expected a resolution with action rerun, in_doubt, complete or fail, got ${String(action)}`,
  );
}

/** Aborts when the wait is over, or when the host closes. Listeners on the host's signal do not outlive the call. */
function patience(waitTimeoutMs: number, closing: AbortSignal) {
  const controller = new AbortController();
  const close = () => controller.abort(closing.reason);
  const timer = setTimeout(() => controller.abort(refusal('IN_PROGRESS')), waitTimeoutMs);
  closing.addEventListener('abort', close);
  if (closing.aborted) close();
  return {
    signal: controller.signal,
    end() {
      clearTimeout(timer);
      closing.removeEventListener('abort', close);
    },
  };
}

async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => {}); // nobody waits for it any more once the signal has aborted
  signal.throwIfAborted();
  let onAbort: () => void = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
