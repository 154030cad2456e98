import { MongoClient } from 'mongodb';
import { internalsOf } from '../../server/adapter/internals.ts';
import { planJob } from '../../server/admin/bulk/bulk.ts';
import { JobRunner } from '../../server/admin/bulk/job-runner.ts';
import { cancelJob, startJob } from '../../server/admin/commands/job-commands.ts';
import type { Operator } from '../../server/admin/contract/operator.ts';
import { openDashboard } from '../../server/admin/services/open-dashboard.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';

/** A process that runs bulk jobs as a dashboard does, with a lease of a second. */
export type Order = 'run' | 'follow' | { readonly cancel: string } | 'close';

const [uri = '', name = ''] = process.argv.slice(2);
const client = await new MongoClient(uri).connect();
const store = createMongoStore({ db: client.db(name) });
const idempotency = createIdempotency({ store });
const services = openDashboard({
  db: client.db(name),
  collection: store.collection,
  policy: internalsOf(idempotency).policy(),
  readOnly: false,
  rerunners: [],
  bodyAccess: internalsOf(idempotency),
  wakeJobs: () => runner.wake(),
});
const runner = new JobRunner(services, { pollMs: 100, leaseMs: 1_000, pauseMs: 20 });
const operator: Operator = { id: 'olga', role: 'operator' };
const command = { reason: 'INC-4211: the provider confirmed it', commandKey: `of ${process.pid}` };

process.on('message', async (order: Order) => {
  if (order === 'run') {
    const plan = { action: 'allow_retry', filter: { state: 'attention' }, ...command } as const;
    const { id, total } = await planJob(services, operator, plan);
    await startJob(services, operator, { id, count: total, mayRepeat: true, commandKey: `start of ${id}` });
    process.send?.(id);
  } else if (order === 'follow') {
    runner.start();
    process.send?.('follows');
  } else if (order === 'close') {
    await runner.close();
    process.send?.('closed');
  } else {
    await cancelJob(services, operator, { id: order.cancel, ...command });
    process.send?.('cancelled');
  }
});
process.send?.('ready');
