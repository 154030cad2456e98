import { refusal } from '../engine/errors.ts';
import { isOperator } from '../engine/operator.ts';
import { STATES } from '../engine/record.ts';
import type { Held, WriteAnswer } from '../engine/store.ts';
import type { RunNews, UnrecordedReason } from '../events.ts';
import type { Host } from './host.ts';
import type { Lease } from './lease.ts';
import type { LocalEnd } from './local-runs.ts';
import { pause } from './pause.ts';
import type { RunSettlement } from './settlement.ts';

const RECORDING_LIMIT_MS = 10 * 60_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 5_000;

/** An ending run is one whose end is to be recorded. */
interface EndingRun {
  readonly host: Host;
  readonly held: Held;
  readonly lease: Lease;
  readonly selection: string | undefined;
  /** Tells the calls of this process that wait for the run how it ended. */
  end(end: LocalEnd): void;
  emit(news: RunNews): void;
}

/** A recorder writes what a run ended with into its record, lets go of the key, and tells whoever waits. */
export class Recorder {
  readonly #run: EndingRun;
  #hasBegun = false;
  /** The settlement was sent at this time, by the process's clock; a transaction has committed it before. */
  #sentAt: number | undefined;

  constructor(run: EndingRun) {
    this.#run = run;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /**
   * Writes the settlement. The caller's result is true whatever happens here; only a newer owner's result takes precedence.
   * @throws IdempotencyError IDEMPOTENCY_LEASE_LOST when another owner stands
   */
  async settle(settlement: RunSettlement): Promise<void> {
    this.#hasBegun = true;
    const { host, lease, emit } = this.#run;
    lease.settling();
    let answer: WriteAnswer;
    try {
      answer = await this.#send(settlement);
    } catch (error) {
      emit({ type: 'result_not_recorded', reason: 'store_unavailable', error });
      host.track(this.#keepTrying(settlement));
      return;
    }
    this.conclude(answer, settlement);
    if (!answer.applied && answer.stands && !this.#isOurs(answer.stands)) {
      throw refusal('IDEMPOTENCY_LEASE_LOST');
    }
  }

  /** Lets go of the key once the store has answered, and reports whether the settlement is in the record. */
  conclude(answer: WriteAnswer, settlement: RunSettlement): void {
    const { held, selection, emit } = this.#run;
    if (answer.applied && settlement.to === 'completed') {
      const { response, retentionMs } = settlement;
      const expiresAt = new Date((this.#sentAt ?? Date.now()) + retentionMs);
      this.#stop({
        ...{ to: 'completed', response, life: held.life, selection, expiresAt },
        at: performance.now(),
      });
    } else {
      this.stop();
    }
    if (answer.applied) emit(newsOf(settlement));
    else emit({ type: 'result_not_recorded', reason: whatStands(answer) });
  }

  /** Lets go of the key, and writes nothing. */
  stop(): void {
    this.#stop({ to: 'open' });
  }

  /**
   * Sends the settlement, and takes a released key's next owner for proof that the release was written. The key may have a
   * next owner before the answer to the release is here, or when a lost answer makes the store send it again. Nobody else
   * could have it: the lease was not lost. Only an operator can take a key from a run, and is named.
   */
  async #send(settlement: RunSettlement): Promise<WriteAnswer> {
    const { host, held, lease } = this.#run;
    this.#sentAt = Date.now();
    const answer = await host.store.settle(held, settlement);
    if (answer.applied || settlement.to !== 'released' || lease.lost) return answer;
    const { stands } = answer;
    const hasNext = stands && stands.fence > held.fence && !isOperator(stands.owner);
    return hasNext ? { applied: true } : answer;
  }

  async #keepTrying(settlement: RunSettlement): Promise<void> {
    const { stopped } = this.#run.host;
    const until = performance.now() + RECORDING_LIMIT_MS;
    let pauseMs = FIRST_PAUSE_MS;
    while (performance.now() < until && !stopped.aborted) {
      await pause(pauseMs, stopped);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      try {
        this.conclude(await this.#send(settlement), settlement);
        return;
      } catch {
        // The store is still away; nothing runs twice meanwhile: the record is running or in doubt.
      }
    }
    this.stop();
  }

  #stop(end: LocalEnd): void {
    this.#run.lease.stop();
    this.#run.end(end);
  }

  #isOurs(stands: Pick<Held, 'owner' | 'fence'>): boolean {
    const { held } = this.#run;
    return stands.owner === held.owner && stands.fence === held.fence;
  }
}

function newsOf(settlement: RunSettlement): RunNews {
  switch (settlement.to) {
    case 'completed':
      return { type: 'completed', outcome: settlement.outcome };
    case 'released':
      return { type: 'released', reason: settlement.because, detail: settlement.reason };
    case 'in_doubt':
      return { type: 'in_doubt', reason: settlement.because, detail: settlement.reason };
    default:
      return settlement satisfies never;
  }
}

function whatStands({ stands }: Extract<WriteAnswer, { applied: false }>): UnrecordedReason {
  return stands ? (STATES.find((state) => state === stands.state) ?? 'unreadable') : 'gone';
}
