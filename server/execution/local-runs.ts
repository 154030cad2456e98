import { idOf } from '../engine/address.ts';
import type { ClaimRequest } from '../engine/decide.ts';
import type { StoredBody } from '../engine/record.ts';
import type { Snapshot } from '../engine/store.ts';
import { Later } from './later.ts';

/** A local end says how a run of this process ended, once that is durable. */
export type LocalEnd =
  | {
      readonly to: 'completed';
      readonly response: StoredBody;
      readonly life: number;
      /** The answer is replayed until this time, by the clock of this process. */
      readonly expiresAt: Date;
      readonly selection: string | undefined;
      /** `performance.now()` when the store had the answer. */
      readonly at: number;
    }
  /** The run was released, in doubt or lost: whoever waited asks the store. */
  | { readonly to: 'open' };

export interface LocalRun {
  readonly owner: string;
  readonly fingerprint: string;
  /** Names the span of the run, where it is traced. */
  readonly traceparent: string | undefined;
  readonly ended: Later<LocalEnd>;
}

/** A claim of this process ends with the record that stands, or undefined when a run began, or nothing is known. */
type ClaimEnd = Snapshot | undefined;

interface LocalClaim {
  readonly owner: string;
  readonly fingerprint: string;
  readonly answer: Later<ClaimEnd>;
  end(found: ClaimEnd): void;
  fail(error: unknown): void;
}

/** `LocalRuns` knows the keys that this process runs or claims, so that their duplicates need not ask the store. */
export class LocalRuns {
  readonly #runs = new Map<string, LocalRun>();
  readonly #claims = new Map<string, LocalClaim>();

  /** Registers a run, once its claim is acknowledged as won. The function that it returns ends the run. */
  start(request: ClaimRequest): (end: LocalEnd) => void {
    const id = idOf(request);
    const ended = new Later<LocalEnd>();
    const { owner, fingerprints, traceparent } = request;
    this.#runs.set(id, { owner, fingerprint: fingerprints[0], traceparent, ended });
    const claim = this.#claims.get(id);
    if (claim?.owner === request.owner) claim.end(undefined);
    return (end) => {
      if (this.#runs.get(id)?.owner === request.owner) this.#runs.delete(id);
      ended.resolve(end);
    };
  }

  /** Finds the run that a call may join: it has the same key and the same arguments. */
  find(request: ClaimRequest): LocalRun | undefined {
    const run = this.#runs.get(idOf(request));
    return run?.fingerprint === request.fingerprints[0] ? run : undefined;
  }

  /** Finds the claim under way that serves a call as well as one of its own: it has the same key and the same arguments. */
  findClaim(request: ClaimRequest): Promise<ClaimEnd> | undefined {
    const claim = this.#claims.get(idOf(request));
    return claim?.fingerprint === request.fingerprints[0] ? claim.answer.promise : undefined;
  }

  /** Registers a claim. Duplicates wait for it until it ends or fails, or its run starts: only the first of these counts. */
  claim(request: ClaimRequest): Pick<LocalClaim, 'end' | 'fail'> {
    const id = idOf(request);
    const answer = new Later<ClaimEnd>();
    const leave = () => {
      if (this.#claims.get(id) === claim) this.#claims.delete(id);
    };
    const claim: LocalClaim = {
      owner: request.owner,
      fingerprint: request.fingerprints[0],
      answer,
      end(found) {
        leave();
        answer.resolve(found);
      },
      fail(error) {
        leave();
        answer.reject(error);
      },
    };
    // A claim with other arguments may have come first: it keeps the place.
    if (!this.#claims.has(id)) this.#claims.set(id, claim);
    return claim;
  }
}
