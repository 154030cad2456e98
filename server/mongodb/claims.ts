import { type ClaimRequest, decide } from '../engine/decide.ts';
import { type IdempotencyError, isIdempotencyError, misconfigured, refusal } from '../engine/errors.ts';
import type { KeyRecord, RunningRecord } from '../engine/record.ts';
import type { ClaimAnswer, Held, Snapshot } from '../engine/store.ts';
import type { StoreCommand } from '../engine/store-command.ts';
import { type Takeover, wasPutInDoubtBy } from '../engine/transitions.ts';
import type { CommandObservers } from './command-observers.ts';
import type { Collection } from './database.ts';
import { within } from './deadline.ts';
import { LOCK_KEY, nameOfLock } from './indexes.ts';
import { KnownRecords } from './known-records.ts';
import type { Lock, Write, Writes } from './pipelines/statements.ts';
import type { Reader } from './reader.ts';
import type { ServerClock } from './server-clock.ts';
import { unavailable } from './server-errors.ts';
import { GiveUps } from './writes/give-ups.ts';
import { Inserts } from './writes/inserts.ts';
import { LOCK_MISSING } from './writes/next-step.ts';
import type { PendingWrite } from './writes/pending-write.ts';
import { withReason } from './writes/with-reason.ts';
import { WriteLane } from './writes/write-lane.ts';

const CLAIMS_IN_FLIGHT = 2;
const CLAIMS_QUEUED = 5_000;
const RELEASES_IN_FLIGHT = 1;

export interface ClaimsOptions {
  readonly collection: Collection;
  readonly reader: Reader;
  readonly writes: Writes;
  /** The index that `writes` names. It is found again when the server says that it is gone. */
  readonly lock: Lock;
  readonly timeoutMs: number;
  readonly observers: CommandObservers;
  readonly clock: ServerClock;
  /** Makes the index that is gone, or says why it may not. */
  ready(): Promise<void>;
  /** Called with each claim that was won, and its operationTime. */
  onWon(held: Held, operationTime: unknown): void;
}

/** `Claims` wins keys for calls, and sees to it that a claim whose call has gone leaves no running record. */
export class Claims {
  readonly #options: ClaimsOptions;
  /** First claims. Each kind of write has commands of its own, so that one that waits for a locked record holds up no other kind. */
  readonly #firstClaims: WriteLane;
  /** Claims and takeovers of records that are there, and so may be locked by somebody else's transaction. */
  readonly #reclaims: WriteLane;
  /** Claims that were given up are released here. No caller waits for these writes. */
  readonly #releases: WriteLane;
  readonly #giveUps: GiveUps;
  readonly #known: KnownRecords;
  /** The claims that were sent more than once. */
  readonly #repeated = new WeakMap<Held, ClaimRequest>();
  #finding: Promise<void> | undefined;

  constructor(options: ClaimsOptions) {
    this.#options = options;
    const { collection, reader, timeoutMs, observers, clock } = options;
    this.#known = new KnownRecords(reader);
    const lane = (purpose: StoreCommand['command'], inFlight: number, capacity: number, inserts?: Inserts) =>
      new WriteLane(collection, {
        inFlight,
        capacity,
        timeoutMs,
        observers,
        purpose,
        clock,
        ...(inserts && { inserts }),
      });
    this.#firstClaims = lane('claim', CLAIMS_IN_FLIGHT, CLAIMS_QUEUED, new Inserts(options));
    this.#reclaims = lane('reclaim', CLAIMS_IN_FLIGHT, CLAIMS_QUEUED);
    this.#releases = lane('release', RELEASES_IN_FLIGHT, Number.POSITIVE_INFINITY);
    this.#giveUps = new GiveUps({
      underWay: (owner) => this.#copiesOf(owner),
      send: (release) => this.#release(release),
    });
  }

  /** @throws IdempotencyError */
  async claim(request: ClaimRequest): Promise<ClaimAnswer> {
    if (this.#giveUps.areTooMany) throw refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'overloaded');
    const sent = { mayApply: false };
    try {
      return await this.#claim(request, this.#deadline(), sent);
    } catch (error) {
      if (sent.mayApply && isUnavailable(error)) this.giveUp(request);
      throw withReason(error, this.#options.collection.db);
    }
  }

  /** @param sent is told when a copy of the claim may be applied, now or later */
  async #claim(request: ClaimRequest, until: number, sent: { mayApply: boolean }): Promise<ClaimAnswer> {
    const { reader, writes } = this.#options;
    const reading = this.#known.read(request, until);
    const known = reading && (await reading);
    if (known && !isClaimable(known, request)) return { won: false, ...known };
    let seen = known && seenIn(known);
    for (;;) {
      const { inserted, sentAt, operationTime, copies } = seen
        ? await this.#sendClaim(this.#reclaims, writes.claim(request, seen), until, sent)
        : await this.#sendFirstClaim(request, until, sent);
      if (inserted) {
        const first = { fence: request.seed, life: request.seed, attempts: 1 };
        const won = this.#won(request, first, sentAt, operationTime);
        if (copies > 1) this.#repeated.set(won.held, request);
        return won;
      }
      const readAt = performance.now();
      const found = await reader.snapshot(request, operationTime, until);
      this.#known.note(request, found);
      const decision = decide(found.record, request, found.now);
      if (decision.do === 'run' && seen) {
        const leasedAt = leasedFrom(decision.record, found, request, readAt);
        return this.#won(request, decision.record, leasedAt, operationTime);
      }
      if (decision.do !== 'run' && decision.do !== 'claim') return { won: false, ...found };
      // There is a record to claim, or a claim of ours to renew. Or it has just gone: then it is made again.
      seen = seenIn(found);
    }
  }

  async #sendFirstClaim(request: ClaimRequest, until: number, sent: { mayApply: boolean }) {
    const { writes, lock } = this.#options;
    try {
      const acknowledgement = await this.#sendClaim(this.#firstClaims, writes.fresh(request), until, sent);
      lock.isLost = false;
      return acknowledgement;
    } catch (error) {
      if (!isLockMissing(error)) throw error;
    }
    await within(until - performance.now(), this.#findLock());
    try {
      return await this.#sendClaim(this.#firstClaims, writes.fresh(request), until, sent);
    } catch (error) {
      // The lock is there, so it was the record that the server did not like.
      throw isLockMissing(error) ? refusal('IDEMPOTENCY_RECORD_UNREADABLE', 'type', error.cause) : error;
    }
  }

  async #sendClaim(lane: WriteLane, write: Write, until: number, sent: { mayApply: boolean }) {
    const pending = lane.send(write, until);
    try {
      const acknowledgement = await pending.answer;
      sent.mayApply = true;
      this.acknowledged(acknowledgement.operationTime);
      return { ...acknowledgement, copies: pending.copies };
    } catch (error) {
      // A copy that the server refused has done nothing, and one that was undone has left nothing.
      const done = pending.copies - pending.refused - (isLockMissing(error) ? 1 : 0);
      sent.mayApply ||= done > 0;
      if (pending.undone) await this.#undone(pending, sent);
      throw error;
    }
  }

  /** A record that may be put aside later must not be won: the claim fails where that is not known. */
  async #undone({ undone, until }: PendingWrite, sent: { mayApply: boolean }): Promise<void> {
    try {
      await within(until - performance.now(), undone as Promise<void>);
    } catch (error) {
      sent.mayApply = true;
      throw isIdempotencyError(error) ? error : unavailable(error);
    }
  }

  async #release(release: Write): Promise<unknown> {
    const send = (write: Write) => this.#releases.send(write, this.#deadline()).answer;
    try {
      return await send(release);
    } catch (error) {
      // The lock can not be made again while what the claim inserted stands beside another record.
      if (isLockMissing(error) && release.aside) await send({ ...release, statement: release.aside() });
      throw error;
    }
  }

  /**
   * The lock is an index. Somebody may drop it, or restore the collection without it, while this process runs; claims are
   * then refused by the server until it is there again. It is made where `ready()` makes indexes.
   */
  #findLock(): Promise<void> {
    const { collection, lock, ready } = this.#options;
    const finding = async () => {
      await ready().catch((cause) => {
        throw isIdempotencyError(cause) ? cause : misconfigured(cause);
      });
      lock.hint = (await nameOfLock(collection)) ?? LOCK_KEY;
      lock.isLost = false;
    };
    this.#finding ??= finding().finally(() => {
      this.#finding = undefined;
    });
    return this.#finding;
  }

  async takeOver(
    request: ClaimRequest,
    seen: Pick<Held, 'owner' | 'fence'>,
    to: Takeover,
  ): Promise<ClaimAnswer> {
    const { reader, writes } = this.#options;
    const until = this.#deadline();
    const pending = this.#reclaims.send(writes.takeOver(request, seen, to), until, { alone: true });
    const { operationTime } = await pending.answer;
    this.acknowledged(operationTime);
    const readAt = performance.now();
    const found = await reader.snapshot(request, operationTime, until);
    this.#known.note(request, found);
    const decision = decide(found.record, request, found.now);
    if (decision.do === 'run') {
      const leasedAt = leasedFrom(decision.record, found, request, readAt);
      return this.#won(request, decision.record, leasedAt, operationTime);
    }
    const putInDoubt = to === 'in_doubt' && found.record !== null && wasPutInDoubtBy(found.record, request);
    return { won: false, putInDoubt, ...found };
  }

  /** Releases, in the background, what this request's claim made or still makes. */
  giveUp(request: ClaimRequest): void {
    this.#giveUps.add(this.#options.writes.giveUp(request));
  }

  /**
   * Releases what a late copy of a claim may make, now that its run has ended. A claim that was sent several times may have a copy on
   * its way; if the record is forgotten by then, that copy would make a running record that nobody holds.
   */
  followUp(held: Held): void {
    const request = this.#repeated.get(held);
    const copies = request && this.#firstClaims.underWay(held.owner);
    if (copies) this.#giveUps.addAfter(copies, this.#options.writes.giveUp(request));
  }

  /** Notes the operationTime of a write of this store: keys that are known are read as they were then, or later. */
  acknowledged(operationTime: unknown): void {
    this.#known.acknowledged(operationTime);
  }

  /** Resolves when nothing is left to be answered. */
  async drained(): Promise<void> {
    await Promise.all([...this.#lanes.map((lane) => lane.drained()), this.#giveUps.drained()]);
  }

  stop(): void {
    this.#giveUps.stop();
    for (const lane of this.#lanes) lane.stop();
  }

  get #lanes(): readonly WriteLane[] {
    return [this.#firstClaims, this.#reclaims, this.#releases];
  }

  #copiesOf(owner: string): Promise<unknown> | undefined {
    const copies = [this.#firstClaims.underWay(owner), this.#reclaims.underWay(owner)].filter(Boolean);
    return copies.length > 0 ? Promise.all(copies) : undefined;
  }

  #won(
    { scope, key, owner }: ClaimRequest,
    { fence, life, attempts, steps }: Pick<Held, 'fence' | 'life' | 'attempts' | 'steps'>,
    sentAt: number,
    operationTime: unknown,
  ): Won {
    const held = { scope, key, owner, fence, life, attempts, ...(steps && { steps }) };
    this.#known.add(held);
    this.#options.onWon(held, operationTime);
    return { won: true, held, sentAt };
  }

  #deadline(): number {
    return performance.now() + this.#options.timeoutMs;
  }
}

/** A claim may make this record its own, or renew it as such: it has to be asked for by a write. */
function isClaimable({ record, now }: Snapshot, request: ClaimRequest): boolean {
  const decision = decide(record, request, now);
  return decision.do === 'claim' || decision.do === 'run';
}

const seenIn = ({ record }: Snapshot) => (record ? (record as unknown as KeyRecord) : undefined);

type Won = Extract<ClaimAnswer, { won: true }>;

/**
 * Says from when on, by `performance.now()`, the lease of a record counts that was found to be the caller's own. Which write won it is
 * not known: a copy of an earlier one, perhaps, that was sent long ago. So the record itself is asked how much of its lease is left.
 * @param readAt when the read was sent
 */
function leasedFrom(
  { leaseExpiresAt }: RunningRecord,
  { now }: Snapshot,
  { leaseMs }: ClaimRequest,
  readAt: number,
): number {
  return readAt + (leaseExpiresAt.getTime() - now.getTime()) - leaseMs;
}

const isLockMissing = (error: unknown): error is IdempotencyError =>
  isIdempotencyError(error) && error.reason === LOCK_MISSING;

const isUnavailable = (error: unknown) =>
  isIdempotencyError(error) && error.code === 'IDEMPOTENCY_STORE_UNAVAILABLE';
