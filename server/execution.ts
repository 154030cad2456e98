import type { Encoded, KeyedCall } from './call.ts';
import type { ClaimRequest } from './engine/decide.ts';
import { refusal } from './engine/errors.ts';
import type { ResolvedPolicy } from './engine/policy.ts';
import { RECORD_ROOM_BYTES, retained } from './engine/response.ts';
import type { Held, Store, WriteAnswer } from './engine/store.ts';
import type { Settlement } from './engine/transitions.ts';
import type { EventListener, IdempotencyEvent } from './events.ts';
import { Lease } from './lease.ts';
import type { LocalEnd, LocalRuns } from './local-runs.ts';
import { pause } from './pause.ts';
import { textOf } from './reason.ts';
import { activeRun, type Intention, insideRun } from './run.ts';
import { Steps } from './steps.ts';

const RECORDING_LIMIT_MS = 10 * 60_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/** What executions of one `Idempotency` share. */
export interface Host {
  readonly store: Store;
  readonly locals: LocalRuns;
  readonly emit: EventListener;
  /** Aborts when `close()` begins: nothing new starts. */
  readonly closing: AbortSignal;
  /** Aborts when `close()` gives up on what is not recorded yet. */
  readonly stopped: AbortSignal;
  /** Keeps `close()` waiting for work that outlives its call. */
  track(work: Promise<void>): void;
}

/** One held key, from the won claim to its settlement. */
export class Execution<Value> {
  readonly lease: Lease;
  readonly #host: Host;
  readonly #call: KeyedCall<Value>;
  readonly #held: Held;
  readonly #steps: Steps;
  readonly #end: (end: LocalEnd) => void;

  constructor(host: Host, call: KeyedCall<Value>, request: ClaimRequest, held: Held, sentAt: number) {
    this.#host = host;
    this.#call = call;
    this.#held = held;
    this.#end = host.locals.start(request);
    this.lease = new Lease(host.store, held, call.policy, sentAt, () => {
      this.#end({ to: 'open' });
      this.#emit('lease_lost');
    });
    const { store, stopped } = host;
    const { lease } = this;
    const { transactional } = request;
    this.#steps = new Steps({ store, held, lease, policy: call.policy, transactional, stopped });
  }

  /** Runs the handler and settles the record. @throws IdempotencyError LEASE_LOST when another owner stands */
  async run(): Promise<Value> {
    const run = activeRun(this.#held, this.lease.signal, this.#steps.run);
    this.#emit('started');
    let value: Value;
    try {
      value = await insideRun(run, () => this.#call.handler(run).finally(() => this.#steps.end()));
    } catch (error) {
      await this.inDoubt('handler rejected');
      throw error;
    }
    const encoded = encode(this.#call, value);
    const { format } = this.#call.codec;
    const settlement = settlementOf(encoded, run.intention, this.lease.lost, this.#policy, format);
    const { doubt } = this.#steps;
    if (doubt && mayHideEffects(settlement)) await this.inDoubt(doubt);
    else await this.#settle(settlement);
    return value;
  }

  /** Stores a resolver's answer as it is: it speaks of an earlier run, so this one's lease and `classify` have no say. */
  async complete(value: Value): Promise<void> {
    await this.#settle(completed(encode(this.#call, value), this.#policy, this.#call.codec.format));
  }

  async inDoubt(reason: string): Promise<void> {
    const { abandonedRetentionMs } = this.#call.policy;
    await this.#settle({ to: 'in_doubt', reason, abandonedRetentionMs });
  }

  /** Lets go of the key, and writes nothing. */
  stop(): void {
    this.#stop({ to: 'open' });
  }

  /** The result gets what the steps leave of the record. */
  get #policy(): ResolvedPolicy {
    const { policy } = this.#call;
    const maxResultBytes = Math.min(policy.maxResultBytes, RECORD_ROOM_BYTES - this.#steps.bytes);
    return { ...policy, maxResultBytes };
  }

  /** The caller's result is true whatever happens here; only a newer owner's result takes precedence. */
  async #settle(settlement: Settlement): Promise<void> {
    let answer: WriteAnswer;
    try {
      answer = await this.#host.store.settle(this.#held, settlement);
    } catch (error) {
      this.#emit('result_not_recorded', { error });
      this.#host.track(this.#keepTrying(settlement));
      return;
    }
    this.#conclude(answer, settlement);
    if (!answer.applied && answer.stands && !this.#isOurs(answer.stands)) {
      throw refusal('LEASE_LOST');
    }
  }

  async #keepTrying(settlement: Settlement): Promise<void> {
    const until = performance.now() + RECORDING_LIMIT_MS;
    let pauseMs = FIRST_PAUSE_MS;
    while (performance.now() < until && !this.#host.stopped.aborted) {
      await pause(pauseMs, this.#host.stopped);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      try {
        this.#conclude(await this.#host.store.settle(this.#held, settlement), settlement);
        return;
      } catch {
        // Still not there; nothing runs twice meanwhile: the record is running or in doubt.
      }
    }
    this.stop();
  }

  #conclude(answer: WriteAnswer, settlement: Settlement): void {
    if (answer.applied && settlement.to === 'completed') {
      const selection = this.#call.selections?.[0];
      this.#stop({ to: 'completed', response: settlement.response, selection });
    } else {
      this.stop();
    }
    const reason = settlement.to === 'completed' ? settlement.outcome : settlement.reason;
    if (answer.applied) this.#emit(settlement.to, { reason });
    else this.#emit('result_not_recorded', { reason: answer.stands?.state ?? 'gone' });
  }

  #stop(end: LocalEnd): void {
    this.lease.stop();
    this.#end(end);
  }

  #isOurs(stands: Pick<Held, 'owner' | 'fence'>): boolean {
    return stands.owner === this.#held.owner && stands.fence === this.#held.fence;
  }

  #emit(type: IdempotencyEvent['type'], more: Pick<IdempotencyEvent, 'reason' | 'error'> = {}): void {
    const { scope, key, attempts, fence } = this.#held;
    this.#host.emit({ type, scope, key, operation: this.#call.operation, attempt: attempts, fence, ...more });
  }
}

function encode<Value>({ codec }: KeyedCall<Value>, value: Value): Encoded {
  try {
    return codec.encode(value);
  } catch {
    return { outcome: 'success', body: undefined, started: true, result: value };
  }
}

function completed(
  { outcome, body }: Encoded,
  { retentionMs, maxResultBytes }: ResolvedPolicy,
  format: string,
): Settlement {
  return { to: 'completed', outcome, response: retained(format, body, maxResultBytes), retentionMs };
}

/** Where a step is not in the record, a failed or released run would look as if it had not been done. */
function mayHideEffects(settlement: Settlement): boolean {
  return settlement.to === 'released' || (settlement.to === 'completed' && settlement.outcome === 'error');
}

/** What becomes of the record when its handler settled. */
function settlementOf(
  encoded: Encoded,
  intention: Intention | undefined,
  leaseLost: boolean,
  policy: ResolvedPolicy,
  format: string,
): Settlement {
  const { retentionMs, abandonedRetentionMs, classify } = policy;
  const released = (reason: string): Settlement => ({ to: 'released', reason, retentionMs });
  const doubted = (reason: string): Settlement => ({ to: 'in_doubt', reason, abandonedRetentionMs });

  if (intention) return intention.to === 'release' ? released(intention.reason) : doubted(intention.reason);
  if (!encoded.started) return released('not started');
  // The handler was told to stop: its error may be that, half-way through an effect.
  if (encoded.outcome === 'error' && leaseLost) return doubted('failed after its lease was lost');
  const verdict = verdictOf(classify, encoded);
  switch (verdict) {
    case 'store':
      return completed(encoded, policy, format);
    case 'release':
      return released('classified');
    case 'in_doubt':
      return doubted('classified');
    default:
      return doubted(verdict.failed);
  }
}

/** The effect has happened: a `classify` that fails must not hide that, so it leaves the decision to an operator. */
function verdictOf(classify: ResolvedPolicy['classify'], { outcome, result }: Encoded) {
  try {
    const verdict: unknown = classify({ outcome, result });
    if (verdict === 'store' || verdict === 'release' || verdict === 'in_doubt') return verdict;
    return { failed: `classify returned ${textOf(verdict)}` };
  } catch (error) {
    return { failed: `classify threw ${textOf(error)}` };
  }
}
