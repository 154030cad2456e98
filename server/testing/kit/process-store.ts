import type { Address } from '../../engine/address.ts';
import type { ClaimRequest } from '../../engine/decide.ts';
import { refusal } from '../../engine/errors.ts';
import type { ClaimAnswer, Held, Snapshot, Store, WriteAnswer } from '../../engine/store.ts';
import type { FinishedStep, LeaseTerms, Settlement, Takeover } from '../../engine/transitions.ts';
import type { Backend } from './backend.ts';
import { type CrashPoint, pointName } from './crash-point.ts';

interface ArmedCrash {
  readonly point: string;
  onReached(): void;
}

/**
 * A `ProcessStore` is the store of a testkit as one process sees it. Once that process has died, none of its writes reaches a record,
 * and it gets no answer any more: code that waits for one goes no further, as after a real crash.
 */
export class ProcessStore implements Store {
  readonly #backend: Backend;
  /** The owners of the runs that this process has begun. */
  readonly #owners = new Set<string>();
  readonly #closing = new AbortController();
  #isDead = false;
  #armed: ArmedCrash | undefined;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Lets the process die. */
  die(): void {
    this.#isDead = true;
    for (const owner of this.#owners) this.#backend.ended({ owner });
  }

  /** Lets the process die when a run of it comes to this point, and tells of it. The function that it returns calls that off. */
  dieAt(point: CrashPoint, onReached: () => void): () => void {
    this.#armed = { point: pointName(point), onReached };
    return () => {
      this.#armed = undefined;
    };
  }

  ready(): Promise<void> {
    return this.#send(async () => {});
  }

  claim(request: ClaimRequest): Promise<ClaimAnswer> {
    return this.#claiming(request, () => this.#backend.memory.claim(request));
  }

  takeOver(request: ClaimRequest, seen: Pick<Held, 'owner' | 'fence'>, to: Takeover): Promise<ClaimAnswer> {
    return this.#claiming(request, () => this.#backend.memory.takeOver(request, seen, to));
  }

  giveUp(request: ClaimRequest): void {
    if (!this.#isDead) this.#backend.giveUp(request);
  }

  settle(held: Held, settlement: Settlement): Promise<WriteAnswer> {
    return this.#send(async () => {
      this.#pass({ at: 'end' });
      if (this.#isDead) return never();
      const answer = await this.#backend.memory.settle(held, settlement);
      this.#backend.ended(held);
      this.#pass({ at: 'answer' });
      return answer;
    });
  }

  renew(held: Held, terms: LeaseTerms): Promise<WriteAnswer> {
    return this.#send(async () => {
      const answer = await this.#backend.memory.renew(held, terms);
      if (answer.applied && !this.#isDead) this.#begun(held, terms);
      return answer;
    });
  }

  recordStep(held: Held, step: FinishedStep): Promise<WriteAnswer> {
    return this.#send(async () => {
      this.#pass({ during: step.name });
      if (this.#isDead) return never();
      const answer = await this.#backend.memory.recordStep(held, step);
      this.#pass({ after: step.name });
      return answer;
    });
  }

  watch(seen: Pick<Held, 'scope' | 'key' | 'owner' | 'fence'>, signal: AbortSignal): Promise<Snapshot> {
    return this.#send(() =>
      this.#backend.memory.watch(seen, AbortSignal.any([signal, this.#closing.signal])),
    );
  }

  read(address: Address, part: 'head' | 'whole'): Promise<Snapshot> {
    return this.#send(() => this.#backend.memory.read(address, part));
  }

  /** Closes this process's way to the records. They stay for other processes. */
  async close(): Promise<void> {
    this.#closing.abort(refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing'));
  }

  async #claiming(request: ClaimRequest, write: () => Promise<ClaimAnswer>): Promise<ClaimAnswer> {
    const sentAt = performance.now();
    return this.#send(async () => {
      const answer = await write();
      if (!answer.won) return answer;
      this.#begun(answer.held, request);
      this.#pass({ at: 'start' });
      return { ...answer, sentAt };
    });
  }

  #begun(held: Held, terms: LeaseTerms): void {
    this.#owners.add(held.owner);
    this.#backend.begun(held, terms);
  }

  #pass(point: CrashPoint): void {
    if (this.#armed?.point !== pointName(point)) return;
    const { onReached } = this.#armed;
    this.#armed = undefined;
    this.die();
    onReached();
  }

  /** Sends an operation: its effect is at once, and its answer comes later where the server is slow, or never to a dead process. */
  async #send<Answer>(operation: () => Promise<Answer>): Promise<Answer> {
    if (this.#isDead) return never();
    this.#closing.signal.throwIfAborted();
    this.#backend.reach();
    const { slowMs } = this.#backend;
    const answer = await operation();
    if (slowMs > 0) await new Promise((resolve) => setTimeout(resolve, slowMs));
    return this.#isDead ? never() : answer;
  }
}

/** Waits for ever. */
const never = () => new Promise<never>(() => {});
