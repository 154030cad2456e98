import type { Address } from '../engine/address.ts';
import { type ClaimRequest, decide } from '../engine/decide.ts';
import { type IdempotencyError, isIdempotencyError, misconfigured, refusal } from '../engine/errors.ts';
import type { KeyRecord, KeyState } from '../engine/record.ts';
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
import type { FinishedStep, LeaseTerms, Settlement } from '../engine/transitions.ts';
import { Counts } from './counts.ts';
import { Collection, type Database } from './database.ts';
import { within } from './deadline.ts';
import { LOCK_KEY, nameOfLock } from './indexes.ts';
import { type MongoStoreOptions, resolveOptions } from './options.ts';
import { NOW } from './pipelines/expressions.ts';
import { createWrites, type Lock, type Write } from './pipelines/statements.ts';
import { Reader } from './reader.ts';
import { prepareServer } from './setup/server-check.ts';
import { WARNING_OF_STANDALONE } from './setup/standalone.ts';
import { MongoTransaction } from './transaction.ts';
import { Waiters } from './waiters.ts';
import { GiveUps } from './writes/give-ups.ts';
import { LOCK_MISSING } from './writes/next-step.ts';
import { withReason } from './writes/with-reason.ts';
import { WriteLane } from './writes/write-lane.ts';

const CLAIMS_IN_FLIGHT = 2;
const OTHERS_IN_FLIGHT = 2;
const RELEASES_IN_FLIGHT = 1;
const CLAIMS_QUEUED = 5_000;

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
  /** First claims. Each kind of write has commands of its own, so that one that waits for a locked record holds up no other kind. */
  readonly #claims: WriteLane;
  /** Claims and takeovers of records that are there, and so may be locked by somebody else's transaction. */
  readonly #reclaims: WriteLane;
  /** Completions, releases, renewals and steps of runs that started. Their lane has no size limit, so none of them is refused. */
  readonly #others: WriteLane;
  /** Claims that were given up are released here. No caller waits for these writes. */
  readonly #releases: WriteLane;
  readonly #giveUps: GiveUps;
  readonly #lock: Lock = { hint: LOCK_KEY };
  readonly #writes = createWrites(NOW, this.#lock);
  readonly #reader: Reader;
  readonly #waiters: Waiters;
  /** The time of each held claim, or of its last renewal, by the server's logical clock. */
  readonly #heldAt = new WeakMap<Held, unknown>();
  /** The claims that were sent more than once. */
  readonly #repeated = new WeakMap<Held, ClaimRequest>();
  readonly #counts: Counts;
  #finding: Promise<void> | undefined;
  #hasWarned = false;
  #state: 'open' | 'flushing' | 'closed' = 'open';

  constructor(options: MongoStoreOptions) {
    this.#options = resolveOptions(options);
    const { db, collection, storeTimeoutMs: timeoutMs } = this.#options;
    this.db = db;
    this.collection = collection;
    this.#collection = new Collection(db, collection);
    const lane = (inFlight: number, capacity: number) =>
      new WriteLane(this.#collection, { inFlight, capacity, timeoutMs });
    this.#claims = lane(CLAIMS_IN_FLIGHT, CLAIMS_QUEUED);
    this.#reclaims = lane(CLAIMS_IN_FLIGHT, CLAIMS_QUEUED);
    this.#others = lane(OTHERS_IN_FLIGHT, Number.POSITIVE_INFINITY);
    this.#releases = lane(RELEASES_IN_FLIGHT, Number.POSITIVE_INFINITY);
    this.#giveUps = new GiveUps({
      underWay: (owner) => this.#copiesOf(owner),
      send: (release) => this.#releases.send(release, this.#deadline()).answer,
    });
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
    const sent = { mayApply: false };
    try {
      return await this.#claim(request, this.#deadline(), sent);
    } catch (error) {
      if (sent.mayApply && isUnavailable(error)) this.#giveUps.add(this.#writes.giveUp(request));
      throw withReason(error, this.db);
    }
  }

  /** @param sent is told when a copy of the claim may be applied, now or later */
  async #claim(request: ClaimRequest, until: number, sent: { mayApply: boolean }): Promise<ClaimAnswer> {
    let seen: Pick<Held, 'owner' | 'fence'> | undefined;
    for (;;) {
      const { inserted, sentAt, firstSentAt, operationTime, sends } = seen
        ? await this.#sendClaim(this.#reclaims, this.#writes.claim(request, seen), until, sent)
        : await this.#sendFirstClaim(request, until, sent);
      if (inserted) {
        const first = { fence: request.seed, life: request.seed, attempts: 1 };
        const won = this.#won(request, first, sentAt, operationTime);
        if (sends > 1) this.#repeated.set(won.held, request);
        return won;
      }
      const found = await this.#reader.snapshot(request, operationTime, until);
      const decision = decide(found.record, request, found.now);
      if (decision.do === 'run' && seen) {
        // The copy that won may be the first one.
        return this.#won(request, decision.record, firstSentAt, operationTime);
      }
      if (decision.do !== 'run' && decision.do !== 'claim') return { won: false, ...found };
      // There is a record to claim, or a claim of ours to renew. Or it has just gone: then it is made again.
      seen = found.record ? (found.record as unknown as KeyRecord) : undefined;
    }
  }

  async #sendFirstClaim(request: ClaimRequest, until: number, sent: { mayApply: boolean }) {
    try {
      return await this.#sendClaim(this.#claims, this.#writes.fresh(request), until, sent);
    } catch (error) {
      if (!isLockMissing(error)) throw error;
    }
    await within(until - performance.now(), this.#findLock());
    try {
      return await this.#sendClaim(this.#claims, this.#writes.fresh(request), until, sent);
    } catch (error) {
      // The lock is there, so it was the record that the server did not like.
      throw isLockMissing(error) ? refusal('RECORD_UNREADABLE', 'type', error.cause) : error;
    }
  }

  async #sendClaim(lane: WriteLane, write: Write, until: number, sent: { mayApply: boolean }) {
    const sending = lane.send(write, until);
    try {
      const acknowledgement = await sending.answer;
      sent.mayApply = true;
      return { ...acknowledgement, firstSentAt: sending.firstSentAt, sends: sending.copies };
    } catch (error) {
      // A copy that the server refused has done nothing.
      sent.mayApply ||= sending.copies > (isLockMissing(error) ? 1 : 0);
      throw error;
    }
  }

  /**
   * The lock is an index. Somebody may drop it, or restore the collection without it, while this process runs; claims are
   * then refused by the server until it is there again. It is made where `ready()` makes indexes.
   */
  #findLock(): Promise<void> {
    const finding = async () => {
      await this.ready().catch((cause) => {
        throw isIdempotencyError(cause) ? cause : misconfigured(cause);
      });
      this.#lock.hint = (await nameOfLock(this.#collection)) ?? LOCK_KEY;
    };
    this.#finding ??= finding().finally(() => {
      this.#finding = undefined;
    });
    return this.#finding;
  }

  giveUp(request: ClaimRequest): void {
    if (this.#state !== 'closed') this.#giveUps.add(this.#writes.giveUp(request));
  }

  async takeOver(
    request: ClaimRequest,
    seen: Pick<Held, 'owner' | 'fence'>,
    to: 'running' | 'in_doubt',
  ): Promise<ClaimAnswer> {
    this.#refuseUnlessOpen();
    const until = this.#deadline();
    const sending = this.#reclaims.send(this.#writes.takeOver(request, seen, to), until, { alone: true });
    const { operationTime } = await sending.answer;
    const found = await this.#reader.snapshot(request, operationTime, until);
    const decision = decide(found.record, request, found.now);
    // Any copy may have been the one that won.
    if (decision.do === 'run') return this.#won(request, decision.record, sending.firstSentAt, operationTime);
    return { won: false, ...found };
  }

  async settle(held: Held, settlement: Settlement): Promise<WriteAnswer> {
    const until = this.#deadline();
    const answer = await this.#write(held, this.#writes.settle(held, settlement), settlement.to, until);
    this.#followUp(held);
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
    if (this.#state === 'closed') throw refusal('STORE_UNAVAILABLE', 'closing');
    return new MongoTransaction({
      collection: this.#collection,
      reader: this.#reader,
      held,
      after: this.#heldAt.get(held),
      timeoutMs: this.#options.storeTimeoutMs,
      completionOf: (completion) => this.#writes.settle(held, completion),
      onCommitted: () => this.#followUp(held),
    });
  }

  async watch(seen: Pick<Held, 'scope' | 'key' | 'owner' | 'fence'>, signal: AbortSignal): Promise<Snapshot> {
    this.#refuseUnlessOpen();
    return this.#waiters.watch(seen, signal);
  }

  async read(address: Address, part: 'head' | 'whole'): Promise<Snapshot> {
    this.#refuseUnlessOpen();
    const until = this.#deadline();
    return part === 'head'
      ? this.#reader.head(address, until)
      : this.#reader.snapshot(address, undefined, until);
  }

  async count(delta: StatsDelta): Promise<void> {
    if (this.#state !== 'closed') await this.#counts.add(delta);
  }

  async close(timeoutMs: number): Promise<void> {
    if (this.#state === 'open') this.#state = 'flushing';
    this.#waiters.stop();
    const lanes = [this.#claims, this.#reclaims, this.#others, this.#releases];
    const flushed = Promise.all([...lanes.map((lane) => lane.drained()), this.#giveUps.drained()]);
    await within(timeoutMs, flushed).catch(() => {});
    this.#state = 'closed';
    this.#giveUps.stop();
    for (const lane of lanes) lane.stop();
  }

  #copiesOf(owner: string): Promise<unknown> | undefined {
    const copies = [this.#claims.underWay(owner), this.#reclaims.underWay(owner)].filter(Boolean);
    return copies.length > 0 ? Promise.all(copies) : undefined;
  }

  /**
   * Releases what a late copy of a claim may make. A claim that was sent several times may have a copy on its way when its
   * run has ended; if the record is forgotten by then, that copy would make a running record that nobody holds.
   */
  #followUp(held: Held): void {
    const request = this.#repeated.get(held);
    const copies = request && this.#claims.underWay(held.owner);
    if (copies) this.#giveUps.addAfter(copies, this.#writes.giveUp(request));
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
    const holding = await this.#reader.holding(held, operationTime, until);
    if (!holding) return { applied: false, stands: null };
    const stands = {
      owner: String(holding.owner),
      fence: Number(holding.fence),
      state: String(holding.state),
    };
    return isOurs(held, stands) && stands.state === target ? { applied: true } : { applied: false, stands };
  }

  #won(
    { scope, key, owner }: ClaimRequest,
    { fence, life, attempts, steps }: Pick<Held, 'fence' | 'life' | 'attempts' | 'steps'>,
    sentAt: number,
    operationTime: unknown,
  ): Won {
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

type Won = Extract<ClaimAnswer, { won: true }>;

const isLockMissing = (error: unknown): error is IdempotencyError =>
  isIdempotencyError(error) && error.reason === LOCK_MISSING;

const isUnavailable = (error: unknown) => isIdempotencyError(error) && error.code === 'STORE_UNAVAILABLE';

const isOurs = (held: Held, stands: Pick<Held, 'owner' | 'fence'> | null) =>
  stands?.owner === held.owner && stands.fence === held.fence;
