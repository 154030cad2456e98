import type { Internals } from '../../adapter/internals.ts';
import type { ResolvedPolicy } from '../../engine/policy.ts';
import type { TraceContext } from '../../engine/traceparent.ts';
import type { Database } from '../../mongodb/database.ts';
import { type BodyAccess, openerOf } from '../bodies/body-access.ts';
import { type RedactOptions, secretsOf } from '../bodies/secrets.ts';
import { Audit } from '../collections/audit.ts';
import { Evidences } from '../collections/evidences.ts';
import { Jobs } from '../collections/jobs.ts';
import { Records } from '../collections/records.ts';
import type { Probe } from '../contract/probe.ts';
import type { Rerunner } from '../rerunners/rerunner.ts';
import type { AdminServices } from './services.ts';

interface OpenDashboardOptions {
  readonly db: Database;
  readonly collection: string;
  readonly policy: ResolvedPolicy;
  readonly readOnly: boolean;
  readonly rerunners: readonly Rerunner[];
  readonly bodyAccess: BodyAccess;
  /** Default: nobody is asked about an effect. */
  readonly probes?: Readonly<Record<string, Probe>> | undefined;
  readonly redact?: RedactOptions | undefined;
  readonly wakeJobs: () => void;
  /** Default: traces have no address. */
  readonly traceUrlOf?: (run: TraceContext) => string | null;
  /** Default: nobody is told, as on the command line. */
  readonly tell?: Internals['report'];
}

/**
 * Puts the services together that the dashboard and the command line work with. Nothing is read or written yet.
 * @throws TypeError for a `redact` that is not what it should be
 */
export function openDashboard({
  db,
  collection,
  bodyAccess,
  redact,
  probes = {},
  tell = () => {},
  traceUrlOf = () => null,
  ...others
}: OpenDashboardOptions): AdminServices {
  const records = new Records(db, collection);
  return {
    ...others,
    tell,
    traceUrlOf,
    records,
    audit: new Audit(records),
    jobs: new Jobs(records),
    probes: new Map(Object.entries(probes)),
    evidences: new Evidences(records),
    secrets: secretsOf(redact),
    open: openerOf(bodyAccess),
    seal: bodyAccess.seal.bind(bodyAccess),
  };
}
