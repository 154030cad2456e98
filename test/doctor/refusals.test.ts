import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FindingState, Topic } from '../../server/doctor/finding.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { type FreshDatabase, freshDatabase, mongoPort } from '../support/database.ts';
import { examine } from '../support/doctor.ts';
import { startRefusingProxy, type Treatment } from '../support/refusing-proxy.ts';

// One database, whose collection of keys is as `ready()` leaves it: what a row finds is what its server lacks.
let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
  await createMongoStore({ db: database.db }).ready();
});
afterAll(() => database[Symbol.asyncDispose]());

const refuse = (code: number, errmsg: string): Treatment => ({ refuse: { code, errmsg } });
const textOf = (value: unknown) => JSON.stringify(value) ?? '';
const statements = ({ updates }: Document) => (updates ?? []) as Document[];

interface Row {
  readonly lacks: string;
  readonly treat: (command: Document) => Treatment;
  /** All topics in these states; others are ok. */
  readonly fail?: Topic[];
  readonly warn?: Topic[];
  readonly unknown?: Topic[];
  readonly says: [Topic, RegExp];
}

/** Leaves out how quick this machine is, and whether the server of these tests removes what has expired. */
const isOfServer = (topic: Topic) => !['round-trip', 'commit-time', 'ttl-monitor'].includes(topic);

const RUNS: Topic[] = [
  'claim',
  'race',
  'renew',
  'step',
  'complete',
  'release',
  'expire',
  'give-up',
  'takeover',
  'in-doubt',
  'read',
  'transaction',
  'commit-time',
];
const PIPELINES: Topic[] = ['update-pipelines', 'constants', 'server-clock'];

const ROWS: Row[] = [
  {
    lacks: 'the variable $$NOW',
    treat: (command) =>
      textOf(command).includes('$$NOW') ? refuse(17276, 'Use of undefined variable: NOW') : undefined,
    fail: ['server-clock'],
    unknown: ['records', ...RUNS],
    says: [
      'server-clock',
      /Use of undefined variable: NOW.*no key can be claimed\. Amazon DocumentDB before 8\.0/,
    ],
  },
  {
    lacks: 'constants of a pipeline',
    treat: (command) =>
      statements(command).some(({ c }) => c) ? refuse(40415, "Unknown field 'update.updates.c'") : undefined,
    fail: ['constants'],
    unknown: ['records', ...RUNS],
    says: ['constants', /Unknown field 'update\.updates\.c'/],
  },
  {
    lacks: 'updates by a pipeline',
    treat: (command) =>
      statements(command).some(({ u }) => Array.isArray(u)) ? refuse(9, 'u must be an object') : undefined,
    fail: ['update-pipelines'],
    unknown: ['records', 'constants', 'server-clock', ...RUNS],
    says: ['update-pipelines', /u must be an object/],
  },
  {
    lacks: 'TTL indexes',
    treat: (command) =>
      command.createIndexes && textOf(command).includes('expireAfterSeconds')
        ? refuse(67, 'no TTL indexes here')
        : undefined,
    fail: ['ttl-index'],
    says: ['ttl-index', /no TTL indexes here.*nothing that has expired is removed/],
  },
  {
    lacks: 'partial indexes',
    treat: (command) =>
      command.createIndexes && textOf(command).includes('partialFilterExpression')
        ? refuse(67, 'no partial indexes here')
        : undefined,
    fail: ['partial-index'],
    says: ['partial-index', /the dashboard does not find what needs attention/],
  },
  {
    lacks: 'a unique index that refuses anything',
    treat: ({ createIndexes, indexes, ...command }) =>
      createIndexes
        ? {
            send: {
              createIndexes,
              indexes: indexes.map(({ unique, ...index }: Document) => index),
              ...command,
            },
          }
        : undefined,
    fail: ['unique-index'],
    unknown: [...PIPELINES, ...RUNS],
    says: [
      'unique-index',
      /took a second document with the same scope and key: two calls with one key could both run/,
    ],
  },
  {
    lacks: 'transactions',
    treat: (command) =>
      command.startTransaction
        ? refuse(20, 'Transaction numbers are only allowed on a replica set')
        : undefined,
    fail: ['transaction'],
    unknown: ['records'],
    says: ['transaction', /policies with `transaction: true` are refused; all others work/],
  },
  {
    lacks: 'reads by majority',
    treat: ({ find, readConcern }) =>
      find && readConcern?.level === 'majority' ? refuse(148, 'no majority read concern') : undefined,
    fail: ['claim'],
    unknown: ['records', ...RUNS.slice(1)],
    says: ['claim', /no majority read concern/],
  },
  {
    lacks: 'listIndexes',
    treat: ({ listIndexes }) => (listIndexes ? refuse(59, "no such command: 'listIndexes'") : undefined),
    unknown: ['indexes', 'records'],
    says: ['indexes', /^The indexes could not be listed: no such command: 'listIndexes'\.$/],
  },
  {
    lacks: 'getParameter',
    treat: ({ getParameter }) => (getParameter ? refuse(13, 'not authorized on admin') : undefined),
    unknown: ['ttl-monitor'],
    says: ['ttl-monitor', /this user may not do that \(not authorized on admin\)/],
  },
  {
    lacks: 'getDefaultRWConcern',
    treat: ({ getDefaultRWConcern }) => (getDefaultRWConcern ? refuse(59, 'no such command') : undefined),
    unknown: ['write-concern'],
    says: [
      'write-concern',
      /^Latchkey writes keys by majority in any case\..*could not be asked: no such command\.$/,
    ],
  },
  {
    lacks: 'connectionStatus',
    treat: ({ connectionStatus }) => (connectionStatus ? refuse(59, 'no such command') : undefined),
    unknown: ['rights'],
    says: ['rights', /^The rights could not be asked: no such command\.$/],
  },
  {
    lacks: 'room for a collection',
    treat: ({ create }) => (create ? refuse(8000, 'too many collections') : undefined),
    unknown: ['scratch', 'unique-index', 'ttl-index', 'partial-index', ...PIPELINES, ...RUNS],
    says: [
      'scratch',
      /^No scratch collection could be made: too many collections\. The protocol was not tried\.$/,
    ],
  },
  {
    lacks: 'drop',
    treat: ({ drop }) => (drop ? refuse(13, 'not authorized to drop') : undefined),
    warn: ['scratch'],
    says: [
      'scratch',
      /^The scratch collection latchkey_doctor_\w+ could not be dropped: this user may not do that/,
    ],
  },
];

describe('the doctor names what a server lacks:', () => {
  it.each(ROWS.map((row): [string, Row] => [row.lacks, row]))('%s', async (_, row) => {
    const { treat, says, fail = [], warn = [], unknown = [] } = row;
    await using proxy = await startRefusingProxy(mongoPort(), { treat });
    const examined = await examine(proxy.uri, { database: database.name });
    const found: Record<Exclude<FindingState, 'ok'>, Topic[]> = {
      fail: examined.topics('fail').filter(isOfServer),
      warn: examined.topics('warn').filter(isOfServer),
      unknown: examined.topics('unknown').sort(),
    };
    expect(found).toEqual({ fail, warn, unknown: [...unknown].sort() });
    expect(examined.of(says[0]).text).toMatch(says[1]);
  });
});

it('a mongos is known by what it says, and tried like a set', async () => {
  const change = (reply: Document) => {
    if (!('isWritablePrimary' in reply || 'ismaster' in reply)) return;
    for (const field of ['setName', 'hosts', 'me', 'primary']) delete reply[field];
    reply.msg = 'isdbgrid';
  };
  const treat = ({ getParameter }: Document) =>
    getParameter ? refuse(72, 'no option found to get') : undefined;
  await using proxy = await startRefusingProxy(mongoPort(), { change, treat });
  const { of, facts } = await examine(proxy.uri, { database: database.name });
  expect(facts.server.kind).toBe('sharded');
  expect(of('kind').state).toBe('warn');
  expect(of('transaction').state).toBe('ok');
  expect(of('ttl-monitor').fix).toContain('ask the primary of each shard');
});

describe('clocks:', () => {
  const HOUR = 3_600_000;
  const ahead = (ms: number) => (reply: Document) => {
    if (reply.localTime) reply.localTime = new Date(reply.localTime.getTime() + ms);
  };

  it('a server whose clock is an hour ahead is noticed, and what goes by which clock is said', async () => {
    await using proxy = await startRefusingProxy(mongoPort(), { change: ahead(HOUR) });
    const { of } = await examine(proxy.uri, { database: database.name });
    expect(of('clock')).toMatchObject({
      state: 'warn',
      text: expect.stringMatching(
        /^The clock of this machine is 60 min behind the primary's \(± .*Leases and expiry go by the primary alone/,
      ),
    });
  });
});
