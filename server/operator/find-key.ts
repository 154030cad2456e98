import type { KeyDetail, Seen, ShownState } from '../admin/contract/contract.ts';
import { readDetail } from '../admin/keys/detail.ts';
import type { Outcome } from '../engine/record.ts';
import type { KeyAddress } from './key-operator.ts';
import type { OperatorServices } from './services.ts';

/** A `FoundKey` is what code may know of a key. It is not the record: that may change in any release. */
export interface FoundKey {
  /** The scope of the key. */
  readonly scope: string;
  /** The key, as the client sent it. */
  readonly key: string;
  /** The text stands for the record as it was found: an action that is given it is refused when the record has changed since. */
  readonly revision: string;
  /** The id of the record, as errors and the dashboard's address have it. */
  readonly recordId: string;
  /**
   * The state by the clock of the database. `lapsed` is one that runs and whose lease is over; `expired` is forgotten, though its record
   * is still there; `unreadable` is damaged, or of another release.
   */
  readonly state: ShownState;
  /** Null unless the key is completed. */
  readonly outcome: Outcome | null;
  /** The name of the operation: `chargeCard`, `orders.create`, `POST /payments`. */
  readonly operation: string;
  /** The number of runs since the key was first used, this one among them. */
  readonly attempt: number;
  /** Says why it is in doubt or was released, where the record says so. It may be the text of an error. */
  readonly reason: string | null;
  /** The names of the steps that were finished, in their order. */
  readonly steps: readonly string[];
  /** Tells whether the request was captured, and whether its text is there. */
  readonly hasRequest: boolean;
  /** Tells whether there is a stored answer, and whether its text is there. */
  readonly hasResponse: boolean;
  /** The key was first used at this time. Here and below, null stands where a damaged record does not tell. */
  readonly createdAt: Date | null;
  /** The last run began at this time. */
  readonly startedAt: Date | null;
  /** The key was completed at this time; null unless it is completed. */
  readonly completedAt: Date | null;
  /** The lease of a run ends at this time, unless it is renewed. Null where nothing runs. */
  readonly leaseExpiresAt: Date | null;
  /** The record is forgotten at this time. */
  readonly expiresAt: Date | null;
}

/** Finds a key by its address, as the dashboard sees it; undefined when there is no such key. */
export async function findDetail(
  { records }: Pick<OperatorServices, 'records'>,
  { scope, key }: KeyAddress,
): Promise<KeyDetail | undefined> {
  const [found] = await records.aggregate([
    { $match: { scope: { $eq: scope }, key: { $eq: key } } },
    { $project: { _id: 1 } },
  ]);
  return found && readDetail(records, String(found._id), { scopes: undefined, denialOf: () => null });
}

/** Makes the narrow view of a key. */
export function foundKey(detail: KeyDetail): FoundKey {
  const { id, scope, key, state, outcome, operation, attempts, seen, steps, request, response } = detail;
  return {
    scope,
    key,
    revision: revisionOf(seen),
    recordId: id,
    state,
    outcome,
    operation,
    attempt: Number(attempts),
    reason: reasonOf(detail),
    steps: steps.map(({ name }) => name),
    hasRequest: hasText(request),
    hasResponse: hasText(response),
    createdAt: dateOf(detail.createdAt),
    startedAt: dateOf(detail.startedAt),
    completedAt: dateOf(detail.completedAt),
    leaseExpiresAt: dateOf(detail.leaseExpiresAt),
    expiresAt: dateOf(detail.expiresAt),
  };
}

/** The text that stands for what was seen; the record of an unreadable key can not be acted on. */
export const revisionOf = (seen: Seen | null): string =>
  Buffer.from(JSON.stringify(seen)).toString('base64url');

/**
 * Reads what was seen out of a revision; null for an unreadable record.
 * @throws TypeError for a text that is no revision
 */
export function seenIn(revision: string): Seen | null {
  try {
    const seen = JSON.parse(Buffer.from(revision, 'base64url').toString()) as Seen | null;
    if (seen === null || typeof seen.id === 'string') return seen;
  } catch {}
  throw new TypeError('Expected `revision` to be what operator.find(...) gave');
}

function reasonOf({ state, timeline }: KeyDetail): string | null {
  if (state !== 'in_doubt' && state !== 'released') return null;
  return timeline[0]?.reason ?? null;
}

const hasText = (body: KeyDetail['request']) => body !== null && body.omitted === null;
const dateOf = (ms: number | null) => (ms === null ? null : new Date(ms));
