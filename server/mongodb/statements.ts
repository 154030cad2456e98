import type { ClaimRequest } from '../engine/decide.ts';
import type { Held } from '../engine/store.ts';
import type { Lease, Settlement } from '../engine/transitions.ts';
import { claimConstants, claimPipeline } from './claim-pipeline.ts';
import { type Address, type Document, idOf, SIMPLE } from './database.ts';
import { IS_READABLE } from './record-guard.ts';
import { transitionPipelines } from './transition-pipelines.ts';

/** One update statement. Each is safe to send again: none does anything once its own effect stands. */
export interface Write {
  readonly id: string;
  readonly owner: string;
  readonly statement: Document;
  /** About what it weighs on the wire. */
  readonly bytes: number;
}

const CLAIM = claimPipeline();
const { givenUp, renewed, takenOver, lapsed, ...SETTLED } = transitionPipelines();

const BARE_BYTES = 4_000;
/** A copy of the claim that is still under way must find this. */
const SHORTEST_TOMBSTONE_MS = 60_000;

export function claimWrite(request: ClaimRequest): Write {
  return upsert(request, CLAIM, claimConstants(request));
}

export function giveUpWrite(request: ClaimRequest): Write {
  const endedKeepMs = Math.max(request.leaseMs, SHORTEST_TOMBSTONE_MS);
  return upsert(request, givenUp, { ...claimConstants(request), endedKeepMs });
}

/** Only for a record that is in doubt, or whose lease has lapsed by the server's clock. */
export function takeOverWrite(
  request: ClaimRequest,
  seen: Pick<Held, 'owner' | 'fence'>,
  to: 'running' | 'in_doubt',
): Write {
  const isLapsed = { $and: [{ $eq: ['$state', 'running'] }, { $lte: ['$leaseExpiresAt', '$$NOW'] }] };
  const isAbandoned = to === 'running' ? { $or: [{ $eq: ['$state', 'in_doubt'] }, isLapsed] } : isLapsed;
  const statement = {
    q: {
      ...address(request),
      owner: seen.owner,
      fence: seen.fence,
      $expr: { $and: [IS_READABLE, isAbandoned] },
    },
    u: to === 'running' ? takenOver : lapsed,
    c: { ...claimConstants(request), endedKeepMs: request.abandonedRetentionMs },
    collation: SIMPLE,
  };
  return { id: idOf(request), owner: request.owner, statement, bytes: BARE_BYTES };
}

export function settleWrite(held: Held, settlement: Settlement): Write {
  switch (settlement.to) {
    case 'completed': {
      const { outcome, response, retentionMs } = settlement;
      const state = { $in: ['running', 'in_doubt'] };
      const write = heldWrite(held, state, SETTLED.completed, { outcome, response, keepMs: retentionMs });
      return { ...write, bytes: BARE_BYTES + (response.body === undefined ? 0 : response.bytes) };
    }
    case 'released':
      return heldWrite(held, 'running', SETTLED.released, {
        reason: settlement.reason,
        endedKeepMs: settlement.retentionMs,
      });
    case 'in_doubt':
      return heldWrite(held, 'running', SETTLED.in_doubt, {
        reason: settlement.reason,
        endedKeepMs: settlement.abandonedRetentionMs,
      });
    default:
      return settlement satisfies never;
  }
}

export function renewWrite(held: Held, { leaseMs, abandonedRetentionMs }: Lease): Write {
  return heldWrite(held, 'running', renewed, { leaseMs, keepMs: abandonedRetentionMs });
}

function upsert(request: ClaimRequest, u: Document[], c: object): Write {
  const statement = { q: address(request), u, c, upsert: true, collation: SIMPLE };
  return { id: idOf(request), owner: request.owner, statement, bytes: BARE_BYTES };
}

function heldWrite(held: Held, state: unknown, u: Document[], c: object): Write {
  const { owner, fence } = held;
  const statement = { q: { ...address(held), owner, fence, state }, u, c, collation: SIMPLE };
  return { id: idOf(held), owner, statement, bytes: BARE_BYTES };
}

const address = ({ scope, key }: Address): Address => ({ scope, key });
