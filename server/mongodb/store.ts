import type { Address } from '../engine/address.ts';
import type { ClaimRequest } from '../engine/decide.ts';
import { refusal } from '../engine/errors.ts';
import type { KeyState } from '../engine/record.ts';
import type { CallsToNote, StatsDelta, SuspectedDuplicate } from '../engine/stats.ts';
import type {
  ClaimAnswer,
  Held,
  KeysOfAttention,
  Snapshot,
  Store,
  StoreNeeds,
  Transaction,
  WriteAnswer,
} from '../engine/store.ts';
import type { CommandListener } from '../engine/store-command.ts';
import type { FinishedStep, LeaseTerms, Settlement, Takeover } from '../engine/transitions.ts';
import { withHelp } from '../engine/with-help.ts';
import { countAttention } from './attention.ts';
import { CallNotes } from './call-notes.ts';
import { Claims } from './claims.ts';
import { CommandObservers } from './command-observers.ts';
import { Counts } from './counts.ts';
import { Collection, type Database } from './database.ts';
import { within } from './deadline.ts';
import { hangUpAfter } from './hang-up.ts';
import { LOCK_KEY } from './indexes.ts';
import { type MongoStoreOptions, resolveOptions } from './options.ts';
import { Outage } from './outage.ts';
import { NOW } from './pipelines/expressions.ts';
import { createWrites, type Lock, statementAt, type Write } from './pipelines/statements.ts';
import { Reader } from './reader.ts';
import { ServerClock } from './server-clock.ts';
import { prepareServer } from './setup/server-check.ts';
import { WARNING_OF_STANDALONE } from './setup/standalone.ts';
import { MongoTransaction } from './transaction.ts';
import { Waiters } from './waiters.ts';
import type { Acknowledgement } from './writes/pending-write.ts';
import { withReason } from './writes/with-reason.ts';
import { WriteLane } from './writes/write-lane.ts';

const RUN_WRITES_IN_FLIGHT = 2;

/**
 * Makes a store that keeps the keys in a collection of MongoDB (6.0 or later), by the host's own driver.
 *
 * @example
 * const store = createMongoStore({ db: client.db('shop') })
 * @throws TypeError for an option that is unknown or out of range
 */
export function createMongoStore(options: MongoStoreOptions): MongoStore {
  return new MongoDBStore(options);
}

/** A store that says where it is, for the dashboard. */
export interface MongoStore extends Store {
  /** The database that holds the collection. */
  readonly db: Database;
  /** The name of the collection of the records. */
  readonly collection: string;
}

class MongoDBStore implements MongoStore {
  readonly db: Database;
  readonly collection: string;
  readonly #options: Required<MongoStoreOptions>;
  readonly #collection: Collection;
  readonly #clock: ServerClock;
  readonly #lock: Lock = { hint: LOCK_KEY };
  readonly #writes = createWrites(NOW, this.#lock);
  readonly #claims: Claims;
  /** Completions, releases, renewals and steps of runs that started. Their lane has no size limit, so none of them is refused. */
  readonly #runWrites: WriteLane;
  readonly #reader: Reader;
  readonly #waiters: Waiters;
  /** The time of each held claim, or of its last renewal, by the server's logical clock. */
  readonly #heldAt = new WeakMap<Held, unknown>();
  readonly #counts: Counts;
  readonly #notes: CallNotes;
  readonly #observers = new CommandObservers();
  readonly #outage: Outage;
  #hasWarned = false;
  #state: 'open' | 'flushing' | 'closed' = 'open';

  constructor(options: MongoStoreOptions) {
    this.#options = resolveOptions(options);
    const { db, collection, timeoutMs } = this.#options;
    this.db = db;
    this.collection = collection;
    this.#outage = new Outage(db, timeoutMs);
    this.#collection = new Collection(this.#outage.watched, collection);
    this.#clock = new ServerClock(() => {
      const signal = hangUpAfter(this.#deadline());
      return this.#collection.run({ hello: 1 }, { signal });
    });
    const observers = this.#observers;
    this.#reader = new Reader(this.#collection, observers);
    this.#claims = new Claims({
      collection: this.#collection,
      reader: this.#reader,
      writes: this.#writes,
      lock: this.#lock,
      timeoutMs,
      observers,
      clock: this.#clock,
      ready: () => this.ready(),
      onWon: (held, operationTime) => this.#heldAt.set(held, operationTime),
    });
    this.#runWrites = new WriteLane(this.#collection, {
      inFlight: RUN_WRITES_IN_FLIGHT,
      capacity: Number.POSITIVE_INFINITY,
      timeoutMs,
      observers,
      purpose: 'settle',
      clock: this.#clock,
    });
    this.#waiters = new Waiters(this.#reader, timeoutMs);
    this.#counts = new Counts(db, collection, timeoutMs);
    this.#notes = new CallNotes(db, collection, timeoutMs);
  }

  async ready(needs: StoreNeeds = { transactions: false }): Promise<void> {
    this.#refuseUnlessOpen();
    const { indexes, allowStandalone } = this.#options;
    const all = { indexes, allowStandalone, ...needs };
    await prepareServer(this.#collection, all, this.#deadline(), {
      onStandalone: this.#warnOfStandalone,
      onHello: (sentAt, reply) => this.#clock.noteHello(sentAt, reply),
    });
  }

  claim(request: ClaimRequest): Promise<ClaimAnswer> {
    return this.#outage.admit(() => {
      this.#refuseUnlessOpen();
      return this.#claims.claim(request);
    });
  }

  giveUp(request: ClaimRequest): void {
    if (this.#state !== 'closed') this.#claims.giveUp(request);
  }

  async takeOver(
    request: ClaimRequest,
    seen: Pick<Held, 'owner' | 'fence'>,
    to: Takeover,
  ): Promise<ClaimAnswer> {
    this.#refuseUnlessOpen();
    return this.#claims.takeOver(request, seen, to);
  }

  async settle(held: Held, settlement: Settlement): Promise<WriteAnswer> {
    const until = this.#deadline();
    const answer = await this.#write(held, this.#writes.settle(held, settlement), settlement.to, until);
    this.#claims.followUp(held);
    const isLate =
      settlement.to === 'completed' &&
      !answer.applied &&
      isOurs(held, answer.stands) &&
      answer.stands?.state === 'in_doubt';
    return isLate ? this.#write(held, this.#writes.late(held, settlement), settlement.to, until) : answer;
  }

  renew(held: Held, terms: LeaseTerms): Promise<WriteAnswer> {
    return this.#write(held, this.#writes.renew(held, terms), 'running', this.#deadline());
  }

  recordStep(held: Held, step: FinishedStep): Promise<WriteAnswer> {
    return this.#write(held, this.#writes.step(held, step), 'running', this.#deadline());
  }

  begin(held: Held): Transaction {
    if (this.#state === 'closed') throw refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing');
    return new MongoTransaction({
      collection: this.#collection,
      reader: this.#reader,
      held,
      after: this.#heldAt.get(held),
      timeoutMs: this.#options.timeoutMs,
      completionOf: (completion) => statementAt(this.#writes.settle(held, completion), this.#clock.times()),
      onCommitted: () => this.#claims.followUp(held),
    });
  }

  async read(address: Address, part: 'head' | 'whole'): Promise<Snapshot> {
    this.#refuseUnlessOpen();
    return this.#outage.admit(() => {
      const until = this.#deadline();
      return part === 'head'
        ? this.#reader.head(address, until)
        : this.#reader.snapshot(address, undefined, until);
    });
  }

  async watch(seen: Pick<Held, 'scope' | 'key' | 'owner' | 'fence'>, signal: AbortSignal): Promise<Snapshot> {
    this.#refuseUnlessOpen();
    return this.#waiters.watch(seen, signal);
  }

  async count(delta: StatsDelta): Promise<void> {
    if (this.#state !== 'closed') await this.#counts.add(delta);
  }

  async note({ refused, started }: CallsToNote): Promise<readonly SuspectedDuplicate[]> {
    if (this.#state === 'closed') return [];
    await this.#notes.addRefused(refused);
    return this.#notes.addStarted(started);
  }

  observe(listener: CommandListener): () => void {
    return this.#observers.add(listener);
  }

  async countAttention(): Promise<KeysOfAttention> {
    this.#refuseUnlessOpen();
    return countAttention(this.#collection, this.#deadline());
  }

  async close(timeoutMs: number): Promise<void> {
    if (this.#state === 'open') this.#state = 'flushing';
    this.#waiters.stop();
    const flushed = Promise.all([this.#claims.drained(), this.#runWrites.drained()]);
    await within(timeoutMs, flushed).catch(() => {});
    this.#state = 'closed';
    this.#claims.stop();
    this.#runWrites.stop();
  }

  /**
   * @param target the state that the write leaves behind. A record never comes back to an owner and fence, so finding them
   *   in that state means that this write, or an earlier copy of it, was applied.
   */
  async #write(held: Held, write: Write, target: KeyState, until: number): Promise<WriteAnswer> {
    if (this.#state === 'closed') throw refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing');
    let acknowledgement: Acknowledgement;
    try {
      acknowledgement = await this.#runWrites.send(write, until).answer;
    } catch (error) {
      throw withReason(error, this.db);
    }
    const { matched, operationTime } = acknowledgement;
    this.#heldAt.set(held, operationTime);
    this.#claims.acknowledged(operationTime);
    if (matched) return { applied: true };
    const holding = await this.#reader.holding(held, operationTime, until);
    if (!holding) return { applied: false, stands: null };
    const stands = {
      owner: String(holding.owner),
      fence: Number(holding.fence),
      state: String(holding.state),
    };
    return isOurs(held, stands) && stands.state === target ? { applied: true } : { applied: false, stands };
  }

  readonly #warnOfStandalone = (): void => {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const text = `${this.#collection.namespace} ${WARNING_OF_STANDALONE}`;
    process.emitWarning(withHelp(text, 'LATCHKEY_STANDALONE'), {
      type: 'LatchkeyWarning',
      code: 'LATCHKEY_STANDALONE',
    });
  };

  #deadline(): number {
    return performance.now() + this.#options.timeoutMs;
  }

  #refuseUnlessOpen(): void {
    if (this.#state !== 'open') throw refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'closing');
  }
}

const isOurs = (held: Held, stands: Pick<Held, 'owner' | 'fence'> | null) =>
  stands?.owner === held.owner && stands.fence === held.fence;
