import { type Facts, TRIALS, type Trial, type TrialName } from '../../server/doctor/facts.ts';

/** Makes all trials with the same end, but for what is given. */
export function trialsOf(end: Trial, others: Partial<Record<TrialName, Trial>> = {}): Facts['trials'] {
  const all = TRIALS.map((name): [TrialName, Trial] => [name, end]);
  return { ...(Object.fromEntries(all) as Record<TrialName, Trial>), ...others };
}

const inStep = { aheadMs: 0.2, uncertaintyMs: 0.4 };

/** Makes the facts of a set of three members where all is well, but for what is given. */
export function factsOf(overrides: Partial<Facts> = {}): Facts {
  return {
    database: 'shop',
    collection: 'idempotency_keys',
    server: {
      kind: 'set',
      isWritable: true,
      host: 'db1:27017',
      setName: 'rs0',
      wireVersion: 17,
      version: { known: '6.0.5' },
    },
    members: [
      { host: 'db1:27017', asked: { known: { role: 'primary', ...inStep } } },
      { host: 'db2:27017', asked: { known: { role: 'secondary', ...inStep } } },
      { host: 'db3:27017', asked: { known: { role: 'secondary', ...inStep } } },
    ],
    login: { known: { user: { user: 'app', db: 'admin' } } },
    collections: [collectionOf()],
    records: { known: undefined },
    writeConcern: { byDefault: { known: 'majority' }, byUri: undefined },
    clock: { known: inStep },
    scratch: {
      name: 'latchkey_doctor_1_a',
      made: { known: true },
      dropped: { known: true },
      lacks: [],
      leftovers: [],
    },
    trials: trialsOf({ end: 'kept' }),
    roundTrips: { known: { count: 50, median: 0.4, p99: 2 } },
    commits: { known: { count: 50, median: 2, p99: 8 } },
    ttlMonitor: { known: true },
    backlog: { known: { count: 0, isMore: false, oldestMs: 0 } },
    ...overrides,
  };
}

type CollectionFacts = Facts['collections'][number];

export function collectionOf(overrides: Partial<CollectionFacts> = {}): CollectionFacts {
  return {
    role: 'keys',
    name: 'idempotency_keys',
    exists: { known: true },
    obstacle: { known: undefined },
    lacks: { known: [] },
    indexes: { known: { conflicts: [], missing: [], fix: null } },
    ...overrides,
  };
}
