import type { Internals } from '../../adapter/internals.ts';
import type { ResolvedPolicy } from '../../engine/policy.ts';
import type { TraceContext } from '../../engine/traceparent.ts';
import type { BodyAccess, OpenBody } from '../bodies/body-access.ts';
import type { Secrets } from '../bodies/secrets.ts';
import type { Audit } from '../collections/audit.ts';
import type { Evidences } from '../collections/evidences.ts';
import type { Jobs } from '../collections/jobs.ts';
import type { Records } from '../collections/records.ts';
import type { Probe } from '../contract/probe.ts';
import type { Rerunner } from '../rerunners/rerunner.ts';

/** An action on one key needs these services, from the page, from the command line and from code. */
export interface ActionServices {
  readonly records: Records;
  readonly audit: Audit;
  /** The policy has the defaults: what is stored by an operator is kept as long as what a run stores. */
  readonly policy: ResolvedPolicy;
  readonly readOnly: boolean;
  readonly rerunners: readonly Rerunner[];
  readonly open: OpenBody;
  readonly seal: BodyAccess['seal'];
  /** Tells the listener of the `Idempotency` what an operator has done. */
  readonly tell: Internals['report'];
}

/** The procedures of the dashboard and the commands of the CLI do their work with these services. */
export interface AdminServices extends ActionServices {
  readonly jobs: Jobs;
  readonly secrets: Secrets;
  /** The probe of each operation that has one. */
  readonly probes: ReadonlyMap<string, Probe>;
  readonly evidences: Evidences;
  /** Gives the address of a run's trace, for the page; null where there is none. */
  traceUrlOf(run: TraceContext): string | null;
  /** Tells the runner of this process, where it has one, that a job waits. */
  wakeJobs(): void;
}
