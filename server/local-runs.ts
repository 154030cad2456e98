import { idOf } from './engine/address.ts';
import type { ClaimRequest } from './engine/decide.ts';
import type { StoredBody } from './engine/record.ts';

/** How a run of this process ended, once that is durable. */
export type LocalEnd =
  | {
      readonly to: 'completed';
      readonly response: StoredBody;
      readonly life: number;
      readonly selection: string | undefined;
    }
  /** Released, in doubt or lost: whoever waited asks the store. */
  | { readonly to: 'open' };

interface LocalRun {
  readonly owner: string;
  readonly fingerprint: string;
  readonly ended: Promise<LocalEnd>;
}

/** The keys that run in this process, so that their duplicates need not ask the store. */
export class LocalRuns {
  readonly #runs = new Map<string, LocalRun>();

  /** Registered once the claim is acknowledged as won; the answer ends it. */
  start(request: ClaimRequest): (end: LocalEnd) => void {
    const id = idOf(request);
    let resolve: (end: LocalEnd) => void = () => {};
    const ended = new Promise<LocalEnd>((settle) => {
      resolve = settle;
    });
    this.#runs.set(id, { owner: request.owner, fingerprint: request.fingerprints[0], ended });
    return (end) => {
      if (this.#runs.get(id)?.owner === request.owner) this.#runs.delete(id);
      resolve(end);
    };
  }

  /** The run that a call may join: of the same key and the same arguments. */
  find(request: ClaimRequest): Promise<LocalEnd> | undefined {
    const run = this.#runs.get(idOf(request));
    return run?.fingerprint === request.fingerprints[0] ? run.ended : undefined;
  }
}
