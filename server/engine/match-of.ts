import { compareHash, type Hashes } from './decide.ts';
import { ruleOf } from './fingerprint.ts';

/** A call is compared with a record by its `Fingerprints`. */
export interface Fingerprints {
  /** The hashes of the input that count as this request's: the first is for a new record. */
  readonly fingerprints: Hashes;
  /**
   * The fingerprint by the rule of a record that was made by another policy, for the operation of that record. Undefined
   * for a rule that is not known: IDEMPOTENCY_RECORD_UNREADABLE. Throws that itself where it can say more.
   */
  fingerprintBy?(rule: string, operation: string): Promise<string | undefined>;
}

/** A record is bound to a request by these two. */
interface Bound {
  readonly fingerprint: string;
  readonly operation: string;
}

/** Says whether a call is the one that a record is bound to, as a claim of the call would find it. */
export async function matchOf(
  { fingerprints, fingerprintBy }: Fingerprints,
  { fingerprint, operation }: Bound,
): Promise<'equal' | 'different' | 'unknown rule'> {
  const match = compareHash(fingerprint, fingerprints);
  if (match !== 'unknown rule') return match;
  const learnt = await fingerprintBy?.(ruleOf(fingerprint), operation);
  return compareHash(fingerprint, learnt === undefined ? fingerprints : [...fingerprints, learnt]);
}
