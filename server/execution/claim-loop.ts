import type { Answer } from '../call.ts';
import { decide } from '../engine/decide.ts';
import { type IdempotencyError, refusal } from '../engine/errors.ts';
import { ruleOf } from '../engine/fingerprint.ts';
import { isPromise } from '../engine/maybe-promise.ts';
import {
  type CompletedRecord,
  LEASE_LAPSED,
  type RunningRecord,
  type StoredRecord,
  type UnresolvedRecord,
} from '../engine/record.ts';
import type { Snapshot } from '../engine/store.ts';
import { traceparentOf } from '../engine/traceparent.ts';
import { askResolver } from './ask-resolver.ts';
import { type Claimant, linkTo, type WonBy } from './claimant.ts';
import type { LocalRun } from './local-runs.ts';
import { refusalOfRecord } from './refusal-of-record.ts';
import { replay } from './replay.ts';
import { startExecution, type Won } from './start-execution.ts';
import { untilAborted } from './until-aborted.ts';
import { isWaitOver, startWait, type Wait } from './wait.ts';

/**
 * A `Next` says what the call does after a claim: it gives its answer, or, when the key changed hands meanwhile,
 * claims again.
 */
type Next<Value> = { readonly do: 'answer'; readonly answer: Answer<Value> } | { readonly do: 'claim_again' };

/** A claim loop brings one call from its first claim to its answer: ask the store, decide, carry out, until there is one. */
export class ClaimLoop<Value> {
  #claimant: Claimant<Value>;
  /** The call's one wait, which lasts however often what it waits for changes. */
  #wait: Wait | undefined;

  constructor(claimant: Claimant<Value>) {
    this.#claimant = claimant;
  }

  async answer(): Promise<Answer<Value>> {
    try {
      for (;;) {
        const run = this.#claimant.host.locals.find(this.#claimant.request);
        const joined = run && (await this.#join(run));
        if (joined) return joined;
        const next = await this.#claim();
        if (next.do === 'answer') return next.answer;
      }
    } catch (error) {
      throw isWaitOver(error) ? await this.#waitedInVain() : error;
    } finally {
      this.#wait?.end();
    }
  }

  async #claim(): Promise<Next<Value>> {
    const { host, request } = this.#claimant;
    const underWay = host.locals.findClaim(request);
    if (underWay) {
      // A thousand duplicates in one moment cost one claim.
      const found = await underWay;
      return found ? this.#carryOut(found) : { do: 'claim_again' };
    }
    const claim = host.locals.claim(request);
    try {
      const claimed = await host.store.claim(request);
      // Its start ends the local claim: from then on there is a run to join.
      if (claimed.won) return await this.#run(claimed, { how: 'claimed' });
      return await this.#carryOut(claimed, claim.end);
    } catch (error) {
      claim.fail(error);
      throw error;
    } finally {
      claim.end(undefined);
    }
  }

  /** Does what `decide` says of the record. @param onFound is told of the record that stands, once this call does not take it over */
  async #carryOut(first: Snapshot, onFound: (found: Snapshot) => void = () => {}): Promise<Next<Value>> {
    const { host } = this.#claimant;
    let found = first;
    for (;;) {
      const { request } = this.#claimant;
      const decision = decide(found.record, request, found.now);
      if (decision.do !== 'take_over') onFound(found);
      switch (decision.do) {
        case 'claim':
        case 'run': // ours after all, as when a copy of a lost request won: claiming again renews it and says so
          host.closing.throwIfAborted();
          return { do: 'claim_again' };
        case 'wait': {
          const run = host.locals.find(request);
          const joined = run && (await this.#join(run));
          if (joined) return { do: 'answer', answer: joined };
          found = await this.#watch(decision.record);
          break;
        }
        case 'take_over': {
          if (decision.to === 'ask') {
            const resolved = await askResolver(this.#claimant, decision.record, found.id);
            return resolved.do === 'run' ? this.#takeOver(resolved.won, decision.record) : resolved;
          }
          const taken = await host.store.takeOver(request, decision.record, decision.to);
          if (taken.won) return this.#takeOver(taken, decision.record);
          if (taken.putInDoubt) this.#reportLapse(decision.record);
          found = taken;
          break;
        }
        case 'replay':
          return { do: 'answer', answer: await this.#replay(decision.record, found.now) };
        case 'refuse':
          if (decision.reason === 'rule' && (await this.#learnRuleOf(found.record))) {
            return { do: 'claim_again' };
          }
          throw refusalOfRecord(decision.code, found.id, decision.reason);
        default:
          decision satisfies never;
      }
    }
  }

  /**
   * Learns the fingerprint by the rule that a record names, where another policy made the record (of another release,
   * mostly). The request is then compared by that. False when the rule is not known.
   */
  async #learnRuleOf(record: StoredRecord | null): Promise<boolean> {
    const { fingerprint, operation } = record ?? {};
    const { call, request } = this.#claimant;
    const { fingerprints } = request;
    if (typeof fingerprint !== 'string') return false;
    const rule = ruleOf(fingerprint);
    if (fingerprints.some((known) => ruleOf(known) === rule)) return false; // it is the selection's
    const learnt = await call.fingerprintBy?.(rule, String(operation));
    if (learnt === undefined) return false;
    this.#claimant = {
      ...this.#claimant,
      request: { ...request, fingerprints: [...fingerprints, learnt] },
    };
    return true;
  }

  #takeOver(won: Won, lost: UnresolvedRecord): Promise<Next<Value>> {
    return this.#run(won, { how: 'taken_over', lost: traceparentOf(lost) });
  }

  async #run(won: Won, wonBy: WonBy): Promise<Next<Value>> {
    const starting = startExecution(this.#claimant, won, wonBy);
    const start = isPromise(starting) ? await starting : starting;
    if (start.do === 'claim_again') return start;
    return { do: 'answer', answer: { value: await start.execution.run(), replayed: false } };
  }

  #replay(record: CompletedRecord, now: Date): Promise<Answer<Value>> {
    const { response, life, completedAt, expiresAt } = record;
    const ageMs = Math.max(0, now.getTime() - completedAt.getTime());
    const traceparent = traceparentOf(record);
    return replay(this.#claimant, { response, life, ageMs, expiresAt, traceparent });
  }

  /** Tells of a run that this call's write has put in doubt: the process that ran it may be dead. */
  #reportLapse(record: UnresolvedRecord): void {
    const { host, request } = this.#claimant;
    const { operation, attempts: attempt, fence } = record;
    const link = linkTo(traceparentOf(record));
    const { scope, key } = request;
    const why = { reason: 'lease_lapsed', detail: LEASE_LAPSED } as const;
    host.emit({ type: 'in_doubt', scope, key, operation, attempt, fence, ...link, ...why });
  }

  /** Waits for a run of this process, without asking the store, and gives its answer where it has stored one. */
  async #join({ ended, traceparent }: LocalRun): Promise<Answer<Value> | undefined> {
    const { host, request } = this.#claimant;
    const signal = this.#waitSignal();
    const { scope, key, operation } = request;
    host.emit({ type: 'joined', scope, key, operation, ...linkTo(traceparent) });
    const end = await this.#timed(untilAborted(ended.promise, signal), traceparent);
    if (end.to !== 'completed') return undefined;
    if (end.selection !== request.selections?.[0]) throw refusal('IDEMPOTENCY_SELECTION_CHANGED');
    const { response, life, at, expiresAt } = end;
    return replay(this.#claimant, { response, life, ageMs: performance.now() - at, expiresAt, traceparent });
  }

  #watch(record: RunningRecord): Promise<Snapshot> {
    const wait = this.#claimant.host.store.watch(record, this.#waitSignal());
    return this.#timed(wait, traceparentOf(record));
  }

  /** Measures a wait. @param run the span of the run that is waited for */
  async #timed<T>(wait: Promise<T>, run: string | undefined): Promise<T> {
    const { host, request, waits } = this.#claimant;
    const { scope, key, operation } = request;
    const began = performance.now();
    let result: 'ended' | 'gave_up' = 'gave_up';
    try {
      const ended = await wait;
      result = 'ended';
      return ended;
    } finally {
      const waitedMs = performance.now() - began;
      waits.total = (waits.total ?? 0) + waitedMs;
      host.emit({ type: 'waited', scope, key, operation, waitedMs, result, ...linkTo(run) });
    }
  }

  /** Makes the refusal of a call that has waited for nothing. Support may be asked about the run that takes so long, so it names the record. */
  async #waitedInVain(): Promise<IdempotencyError> {
    const { host, request } = this.#claimant;
    const found = untilAborted(host.store.read(request, 'head'), AbortSignal.timeout(NAMING_LIMIT_MS));
    const id = await found.then((snapshot) => snapshot.id).catch(() => undefined);
    return refusalOfRecord('IDEMPOTENCY_IN_PROGRESS', id);
  }

  /** Starts the call's wait where it has not begun. */
  #waitSignal(): AbortSignal {
    const { host, call } = this.#claimant;
    const { concurrent, waitTimeoutMs } = call.policy;
    if (concurrent === 'reject') throw refusal('IDEMPOTENCY_IN_PROGRESS');
    this.#wait ??= startWait(waitTimeoutMs, [host.closing]);
    this.#wait.signal.throwIfAborted();
    return this.#wait.signal;
  }
}

/** The name of a record is worth so much more time to a client that has waited. */
const NAMING_LIMIT_MS = 1_000;
