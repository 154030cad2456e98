import { type ClaimRequest, decide } from '../engine/decide.ts';
import { isIdempotencyError, refusal } from '../engine/errors.ts';
import type { KeyState } from '../engine/record.ts';
import type { StatsDelta } from '../engine/stats.ts';
import type {
  ClaimAnswer,
  Held,
  Snapshot,
  Store,
  StoreNeeds,
  Transaction,
  WriteAnswer,
} from '../engine/store.ts';
import type { FinishedStep, Lease, Settlement } from '../engine/transitions.ts';
import { Counts } from './counts.ts';
import { Collection, type Database } from './database.ts';
import { within } from './deadline.ts';
import { GiveUps } from './give-ups.ts';
import { type MongoStoreOptions, resolveOptions } from './options.ts';
import { Reader } from './reader.ts';
import { prepareServer } from './server-check.ts';
import { withReason } from './silence.ts';
import { WARNING_OF_STANDALONE } from './standalone.ts';
import { createWrites, type Write } from './statements.ts';
import { MongoTransaction } from './transaction.ts';
import { Waiters } from './waiters.ts';
import { WriteLane } from './write-lane.ts';

const CLAIMS_IN_FLIGHT = 2;
const OTHERS_IN_FLIGHT = 2;
const CLAIMS_QUEUED = 5_000;

const writes = createWrites();

/**
 * Keys in a MongoDB collection (6.0 or later), by the host's own driver.
 * @example createMongoStore({ db: client.db('shop') })
 * @throws TypeError for an option that is unknown or out of range
 */
export function createMongoStore(options: MongoStoreOptions): MongoStore {
  return new MongoDBStore(options);
}

/** A store that says where it is, for the dashboard. */
export interface MongoStore extends Store {
  readonly db: Database;
  readonly collection: string;
}

class MongoDBStore implements MongoStore {
  readonly db: Database;
  readonly collection: string;
  readonly #options: Required<MongoStoreOptions>;
  readonly #collection: Collection;
  readonly #claims: WriteLane;
  /** What belongs to runs that started, in commands of its own: no blocked claim holds it up, and none of it is refused. */
  readonly #others: WriteLane;
  readonly #giveUps: GiveUps;
  readonly #reader: Reader;
  readonly #waiters: Waiters;
  /** When a claim, or the last renewal of it, took place by the server's logical clock. */
  readonly #heldAt = new WeakMap<Held, unknown>();
  readonly #counts: Counts;
  #hasWarned = false;
  #state: 'open' | 'flushing' | 'closed' = 'open';

  constructor(options: MongoStoreOptions) {
    this.#options = resolveOptions(options);
    const { db, collection, storeTimeoutMs: timeoutMs } = this.#options;
    this.db = db;
    this.collection = collection;
    this.#collection = new Collection(db, collection);
    this.#claims = new WriteLane(this.#collection, {
      inFlight: CLAIMS_IN_FLIGHT,
      capacity: CLAIMS_QUEUED,
      timeoutMs,
    });
    this.#others = new WriteLane(this.#collection, {
      inFlight: OTHERS_IN_FLIGHT,
      capacity: Number.POSITIVE_INFINITY,
      timeoutMs,
    });
    this.#giveUps = new GiveUps(this.#claims, this.#others, timeoutMs);
    this.#reader = new Reader(this.#collection);
    this.#waiters = new Waiters(this.#reader, timeoutMs);
    this.#counts = new Counts(db, collection, timeoutMs);
  }

  async ready(needs: StoreNeeds = { transactions: false }): Promise<void> {
    this.#refuseUnlessOpen();
    const { indexes, allowStandalone } = this.#options;
    const all = { indexes, allowStandalone, ...needs };
    await prepareServer(this.#collection, all, this.#deadline(), this.#warnOfStandalone);
  }

  async claim(request: ClaimRequest): Promise<ClaimAnswer> {
    this.#refuseUnlessOpen();
    if (this.#giveUps.areTooMany) throw refusal('STORE_UNAVAILABLE', 'overloaded');
    const until = this.#deadline();
    let write = writes.fresh(request);
    let isFirst = true;
    let wasSent = false;
    try {
      for (;;) {
        const sending = this.#claims.send(write, until);
        const { inserted, sentAt, operationTime } = await sending.answer.finally(() => {
          wasSent ||= sending.sends > 0;
        });
        if (inserted) {
          const first = { fence: request.seed, life: request.seed, attempts: 1 };
          return this.#won(request, first, sentAt, operationTime);
        }
        const found = await this.#reader.snapshot(request, operationTime, until);
        const decision = decide(found.record, request, found.now);
        if (decision.do === 'run' && !isFirst) {
          return this.#won(request, decision.record, sentAt, operationTime);
        }
        if (decision.do !== 'run' && decision.do !== 'claim') return { won: false, ...found };
        // There is a record to claim, or a claim of ours to renew. Or it has just gone: then the same will do.
        write = writes.claim(request);
        isFirst = false;
      }
    } catch (error) {
      if (wasSent && isUnavailable(error)) this.#giveUps.add(writes.giveUp(request));
      throw withReason(error, this.db);
    }
  }

  abandon(request: ClaimRequest): void {
    if (this.#state !== 'closed') this.#giveUps.add(writes.giveUp(request));
  }

  async takeOver(
    request: ClaimRequest,
    seen: Pick<Held, 'owner' | 'fence'>,
    to: 'running' | 'in_doubt',
  ): Promise<ClaimAnswer> {
    this.#refuseUnlessOpen();
    const until = this.#deadline();
    const sending = this.#claims.send(writes.takeOver(request, seen, to), until, { alone: true });
    const { operationTime } = await sending.answer;
    const found = await this.#reader.snapshot(request, operationTime, until);
    const decision = decide(found.record, request, found.now);
    // Any copy may have been the one that won.
    if (decision.do === 'run') return this.#won(request, decision.record, sending.firstSentAt, operationTime);
    return { won: false, ...found };
  }

  async settle(held: Held, settlement: Settlement): Promise<WriteAnswer> {
    const until = this.#deadline();
    const answer = await this.#write(held, writes.settle(held, settlement), settlement.to, until);
    const isLate =
      settlement.to === 'completed' &&
      !answer.applied &&
      isOurs(held, answer.stands) &&
      answer.stands?.state === 'in_doubt';
    return isLate ? this.#write(held, writes.late(held, settlement), settlement.to, until) : answer;
  }

  renew(held: Held, lease: Lease): Promise<WriteAnswer> {
    return this.#write(held, writes.renew(held, lease), 'running', this.#deadline());
  }

  recordStep(held: Held, step: FinishedStep): Promise<WriteAnswer> {
    return this.#write(held, writes.step(held, step), 'running', this.#deadline());
  }

  begin(held: Held): Transaction {
    if (this.#state === 'closed') throw refusal('STORE_UNAVAILABLE', 'closing');
    return new MongoTransaction({
      collection: this.#collection,
      reader: this.#reader,
      held,
      after: this.#heldAt.get(held),
      timeoutMs: this.#options.storeTimeoutMs,
      completionOf: (completion) => writes.settle(held, completion),
    });
  }

  async watch(seen: Pick<Held, 'scope' | 'key' | 'owner' | 'fence'>, signal: AbortSignal): Promise<Snapshot> {
    this.#refuseUnlessOpen();
    return this.#waiters.watch(seen, signal);
  }

  async count(delta: StatsDelta): Promise<void> {
    if (this.#state !== 'closed') await this.#counts.add(delta);
  }

  async close(timeoutMs: number): Promise<void> {
    if (this.#state === 'open') this.#state = 'flushing';
    this.#waiters.stop();
    const flushed = Promise.all([this.#claims.drained(), this.#others.drained(), this.#giveUps.drained()]);
    await within(timeoutMs, flushed).catch(() => {});
    this.#state = 'closed';
    this.#giveUps.stop();
    this.#claims.stop();
    this.#others.stop();
  }

  /**
   * @param target the state that the write leaves behind. A record never comes back to an owner and fence, so finding them
   *   in that state means that this write, or an earlier copy of it, was applied.
   */
  async #write(held: Held, write: Write, target: KeyState, until: number): Promise<WriteAnswer> {
    if (this.#state === 'closed') throw refusal('STORE_UNAVAILABLE', 'closing');
    const { matched, operationTime } = await this.#others.send(write, until).answer.catch((error) => {
      throw withReason(error, this.db);
    });
    this.#heldAt.set(held, operationTime);
    if (matched) return { applied: true };
    const standing = await this.#reader.standing(held, operationTime, until);
    if (!standing) return { applied: false, stands: null };
    const stands = {
      owner: String(standing.owner),
      fence: Number(standing.fence),
      state: String(standing.state),
    };
    return isOurs(held, stands) && stands.state === target ? { applied: true } : { applied: false, stands };
  }

  #won(
    { scope, key, owner }: ClaimRequest,
    { fence, life, attempts, steps }: Pick<Held, 'fence' | 'life' | 'attempts' | 'steps'>,
    sentAt: number,
    operationTime: unknown,
  ): ClaimAnswer {
    const held = { scope, key, owner, fence, life, attempts, ...(steps && { steps }) };
    this.#heldAt.set(held, operationTime);
    return { won: true, held, sentAt };
  }

  readonly #warnOfStandalone = (): void => {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    process.emitWarning(`${this.#collection.namespace} ${WARNING_OF_STANDALONE}`, {
      type: 'LatchkeyWarning',
      code: 'LATCHKEY_STANDALONE',
    });
  };

  #deadline(): number {
    return performance.now() + this.#options.storeTimeoutMs;
  }

  #refuseUnlessOpen(): void {
    if (this.#state !== 'open') throw refusal('STORE_UNAVAILABLE', 'closing');
  }
}

const isUnavailable = (error: unknown) => isIdempotencyError(error) && error.code === 'STORE_UNAVAILABLE';

const isOurs = (held: Held, stands: Pick<Held, 'owner' | 'fence'> | null) =>
  stands?.owner === held.owner && stands.fence === held.fence;
