import type { ResolvedPolicy } from '../engine/policy.ts';
import type { Database } from '../mongodb/database.ts';
import { Audit } from './audit.ts';
import { openerOf, type Vault } from './bodies.ts';
import type { Dashboard } from './dashboard.ts';
import { JobRunner } from './job-runner.ts';
import { Jobs } from './jobs.ts';
import { Records } from './records.ts';
import { type RedactOptions, secretsOf } from './redaction/secrets.ts';
import type { Replayer } from './replayer.ts';

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
