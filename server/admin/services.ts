import type { ResolvedPolicy } from '../engine/policy.ts';
import type { BodyAccess, OpenBody } from './bodies/body-access.ts';
import type { Secrets } from './bodies/secrets.ts';
import type { Audit } from './collections/audit.ts';
import type { Jobs } from './collections/jobs.ts';
import type { Records } from './collections/records.ts';
import type { Rerunner } from './rerunner.ts';

/** The procedures of the dashboard and the commands of the CLI do their work with these services. */
export interface AdminServices {
  readonly records: Records;
  readonly audit: Audit;
  readonly jobs: Jobs;
  /** The policy has the defaults: what is stored by an operator is kept as long as what a run stores. */
  readonly policy: ResolvedPolicy;
  readonly readOnly: boolean;
  readonly rerunners: readonly Rerunner[];
  readonly secrets: Secrets;
  readonly open: OpenBody;
  readonly seal: BodyAccess['seal'];
  /** Tells the runner of this process, where it has one, that a job waits. */
  wakeJobs(): void;
}
