import type { TrialName } from '../facts.ts';
import type { Bench } from './bench.ts';

/** A plan says how a trial is made. It rejects with what the server refuses. */
export interface Plan {
  /** Without these the trial would only repeat their failure. */
  readonly needs?: readonly TrialName[];
  /** Returns what became of the record instead of what should have, or undefined. */
  run(bench: Bench): Promise<string | undefined>;
}
