import type { ResolvedPolicy } from '../engine/policy.ts';
import type { Database } from '../mongodb/database.ts';
import { openerOf, type Vault } from './bodies/bodies.ts';
import { type RedactOptions, secretsOf } from './bodies/secrets.ts';
import { JobRunner } from './bulk/job-runner.ts';
import { Audit } from './collections/audit.ts';
import { Jobs } from './collections/jobs.ts';
import { Records } from './collections/records.ts';
import type { Replayer } from './replayer.ts';
import type { Dashboard } from './services.ts';

interface Place {
  readonly db: Database;
  readonly collection: string;
  readonly policy: ResolvedPolicy;
  readonly readOnly: boolean;
  readonly replayers: readonly Replayer[];
  readonly vault: Vault;
  readonly redact?: RedactOptions | undefined;
}

/**
 * What the dashboard and the command line do their work with. Nothing is read or written yet.
 * @throws TypeError for a `redact` that is not what it should be
 */
export function openDashboard({ db, collection, vault, redact, ...place }: Place): Dashboard {
  const records = new Records(db, collection);
  const dashboard: Dashboard = {
    ...place,
    records,
    audit: new Audit(records),
    jobs: new Jobs(records),
    runner: new JobRunner(() => dashboard),
    secrets: secretsOf(redact),
    open: openerOf(vault),
    seal: vault.seal.bind(vault),
  };
  return dashboard;
}
