import { type Address, idOf } from '../../engine/address.ts';
import { storedBytes } from '../../engine/body.ts';
import type { ClaimRequest } from '../../engine/decide.ts';
import type { KeyState } from '../../engine/record.ts';
import type { Held } from '../../engine/store.ts';
import type { FinishedStep, LeaseTerms, Settlement, Takeover } from '../../engine/transitions.ts';
import type { ServerTimes } from '../clock-bounds.ts';
import { type Document, SIMPLE } from '../database.ts';
import { LOCK_KEY } from '../indexes.ts';
import {
  claimConstants,
  claimPipeline,
  freshConstants,
  freshDocument,
  freshPipeline,
} from './claim-pipeline.ts';
import { completedUpdate } from './completed-update.ts';
import { type Expression, NOW } from './expressions.ts';
import { giveUpPipeline } from './give-up-pipeline.ts';
import { IS_READABLE } from './record-guard.ts';
import { transitionPipelines } from './transition-pipelines.ts';

/** A `Write` is one update statement. It is safe to send again: it does nothing once its own effect stands. */
export interface Write {
  readonly id: string;
  readonly owner: string;
  readonly statement: Document;
  /** Makes the record of a first claim as a document that may be inserted in place of the statement. Other writes have none. */
  readonly document?: (times: ServerTimes) => Document;
  /** Makes the statement that undoes what a copy of the write has made while the lock was gone. */
  readonly aside?: () => Document;
  /** A cheaper statement for the same, which needs to know the server's clock. It is made anew for each copy of the write. */
  readonly timed?: (times: ServerTimes) => Document;
  /** The statement has about so many bytes on the wire. */
  readonly bytes: number;
}

type Completion = Extract<Settlement, { to: 'completed' }>;

const BARE_BYTES = 4_000;
/** A tombstone stays at least this long, in ms, so that a copy of the claim that is still under way finds it. */
const SHORTEST_TOMBSTONE_MS = 5 * 60_000;

/** The index that keeps records of one key from being two, as the store last found it. */
export interface Lock {
  hint: string | Document;
  /** True from the moment that it was found to be gone, until it is found again. */
  isLost?: boolean;
}

/**
 * Makes the statements of a store. Those that can make a record name the lock: the server refuses them when it is gone.
 * @param now the server's clock; tests fix it
 */
export function createWrites(now: Expression = NOW, lock: Lock = { hint: LOCK_KEY }) {
  const fresh = freshPipeline(now);
  const claim = claimPipeline(now);
  const giveUp = giveUpPipeline(now);
  const pipelines = transitionPipelines(now);
  const isLapsed = { $and: [{ $eq: ['$state', 'running'] }, { $lte: ['$leaseExpiresAt', now] }] };
  const lapsed = { $and: [IS_READABLE, isLapsed] };
  const inDoubt = { $and: [IS_READABLE, { $eq: ['$state', 'in_doubt'] }] };

  const upsert = (request: ClaimRequest, u: Document[], c: object): Document => {
    const q = address(request);
    return { q, u, c, upsert: true, hint: lock.hint, collation: SIMPLE };
  };

  return {
    /** Claims a key that has no record. */
    fresh(request: ClaimRequest): Write {
      let statement: Document | undefined;
      return {
        ...ofClaim(request),
        // Nearly each first claim is sent as its document.
        get statement() {
          statement ??= upsert(request, fresh, freshConstants(request));
          return statement;
        },
        document: (times) => freshDocument(request, times),
      };
    },

    /**
     * Claims a key whose record was seen to be claimable, and renews the caller's own claim. A copy that comes late finds
     * another owner or fence, and does nothing.
     */
    claim(request: ClaimRequest, { owner, fence }: Pick<Held, 'owner' | 'fence'>) {
      const q = { ...address(request), owner, fence };
      return write(
        request,
        request.owner,
        { q, u: claim, c: claimConstants(request) },
        storedBytes(request.captured),
      );
    },

    giveUp(request: ClaimRequest): Write {
      const tombstoneMs = Math.max(request.leaseMs, SHORTEST_TOMBSTONE_MS);
      const constants = { ...claimConstants(request), tombstoneMs };
      return { ...ofClaim(request), statement: upsert(request, giveUp, constants) };
    },

    /** Takes a record over where `mayTakeOver` allows it, by the server's clock. */
    takeOver(request: ClaimRequest, { owner, fence }: Pick<Held, 'owner' | 'fence'>, to: Takeover) {
      const u = to === 'in_doubt' ? pipelines.lapsed : pipelines.takenOver;
      const $expr = to === 'asking' ? inDoubt : lapsed;
      const c = { ...claimConstants(request), endedKeepMs: request.unresolvedRetentionMs };
      const q = { ...address(request), owner, fence, $expr };
      return write(request, request.owner, { q, u, c }, storedBytes(request.captured));
    },

    settle(held: Held, settlement: Settlement): Write {
      switch (settlement.to) {
        case 'completed': {
          const write = completed(held, 'running', pipelines.completed, settlement);
          const { q } = write.statement;
          return { ...write, timed: (times) => plain(q, completedUpdate(settlement, times)) };
        }
        case 'released': {
          const { reason, retentionMs } = settlement;
          return ofHolder(held, 'running', pipelines.released, { reason, endedKeepMs: retentionMs });
        }
        case 'in_doubt': {
          const { reason, unresolvedRetentionMs } = settlement;
          return ofHolder(held, 'running', pipelines.in_doubt, {
            reason,
            endedKeepMs: unresolvedRetentionMs,
          });
        }
        default:
          return settlement satisfies never;
      }
    },

    /** Completes a record that is in doubt. */
    late: (held: Held, settlement: Completion) =>
      completed(held, 'in_doubt', pipelines.completedLate, settlement),

    renew: (held: Held, { leaseMs, unresolvedRetentionMs }: LeaseTerms) =>
      ofHolder(held, 'running', pipelines.renewed, { leaseMs, keepMs: unresolvedRetentionMs }),

    step: (held: Held, { name, value }: FinishedStep) =>
      ofHolder(held, 'running', pipelines.stepped, { name, value }, storedBytes(value)),
  };
}

export type Writes = ReturnType<typeof createWrites>;

/** Gives what two writes have in common that can make a record: a first claim, and one that is given up. */
const ofClaim = (request: ClaimRequest) => ({
  id: idOf(request),
  owner: request.owner,
  aside: () => asideOf(request),
  bytes: BARE_BYTES + storedBytes(request.captured),
});

function completed(held: Held, from: KeyState, u: Document[], settlement: Completion): Write {
  const { outcome, response, retentionMs } = settlement;
  return ofHolder(held, from, u, { outcome, response, keepMs: retentionMs }, storedBytes(response));
}

function ofHolder(held: Held, state: KeyState, u: Document[], c: object, bytes = 0): Write {
  const { scope, key, owner, fence } = held;
  return write(held, owner, { q: { scope, key, owner, fence, state }, u, c }, bytes);
}

function write(to: Address, owner: string, statement: { q: object; u: object; c: object }, bytes = 0): Write {
  return { id: idOf(to), owner, statement: { ...statement, collation: SIMPLE }, bytes: BARE_BYTES + bytes };
}

/**
 * Takes the address from a record that was inserted without the lock: it may be the second one of its key, and the lock could then not be made
 * again. It has expired, so the server removes it. (It is no delete, for that would need one more right.)
 */
function asideOf({ owner, ...request }: ClaimRequest): Document {
  const q = { ...address(request), owner, state: 'running' };
  return { q, u: ASIDE, multi: true, collation: SIMPLE };
}

const ASIDE: Document[] = [
  {
    $set: {
      scope: 'latchkey',
      key: { $concat: ['claimed without the lock: ', { $toString: '$_id' }] },
      state: 'released',
      expiresAt: new Date(0),
    },
  },
  { $unset: ['fingerprint', 'selection', 'leaseExpiresAt'] },
];

/** The statement of a write, at a time of the server that is known, or is not. */
export function statementAt({ statement, timed }: Write, times: ServerTimes | undefined): Document {
  return timed && times ? timed(times) : statement;
}

const plain = (q: unknown, u: Document): Document => ({ q, u, collation: SIMPLE });

const address = ({ scope, key }: Address): Address => ({ scope, key });
