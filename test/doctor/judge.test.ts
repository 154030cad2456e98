import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Facts } from '../../server/doctor/facts.ts';
import { type FindingState, TOPICS, type Topic } from '../../server/doctor/finding.ts';
import { judge } from '../../server/doctor/judge/judge.ts';
import { TIMEOUT_MS } from '../../server/doctor/judge/judge-times.ts';
import { resolveOptions } from '../../server/mongodb/options.ts';
import { collectionOf, factsOf, trialsOf } from './facts.ts';

const HOUR = 3_600_000;
const { server, scratch } = factsOf();
const [primary, second, third] = factsOf().members;
const away = { host: 'db3:27017', asked: { unknown: 'connect ECONNREFUSED' } };
const member = (host: string, aheadMs: number, uncertaintyMs = 1) =>
  ({ host, asked: { known: { role: 'secondary', aheadMs, uncertaintyMs } } }) as const;
const isDefined = <T>(value: T | undefined): value is T => value !== undefined;
const set = (...members: (Facts['members'][number] | undefined)[]) => ({
  members: [primary, ...members].filter(isDefined),
});
const times = (median: number, p99: number) => ({ known: { count: 50, median, p99 } });
const lost = (count: number, more: object = {}) => ({
  backlog: { known: { count, isMore: false, oldestMs: 3 * HOUR, ...more } },
});
const keys = (overrides: Parameters<typeof collectionOf>[0]) => ({ collections: [collectionOf(overrides)] });
const others = (overrides: Parameters<typeof collectionOf>[0]) =>
  keys({ role: 'audit', name: 'idempotency_keys_audit', ...overrides });
const lacks = (...actions: string[]) => ({ lacks: { known: actions } });
const missing = (...indexes: { name: string; unique?: boolean }[]) => ({
  indexes: { known: { conflicts: [], missing: indexes, fix: 'make them' } },
});
const GRANT = 'db.getSiblingDB("admin").grantRolesToUser("app", [{ role: "readWrite", db: "shop" }])';

it('finds nothing to mend where all is well, and says something of each topic', () => {
  const findings = judge(factsOf());
  expect(findings.filter(({ state }) => state !== 'ok')).toEqual([]);
  expect(new Set(findings.map(({ topic }) => topic))).toEqual(new Set(TOPICS));
  expect(findings.filter(({ fix }) => fix !== null)).toEqual([]);
});

describe('a finding is', () => {
  it.each<[FindingState, Topic, string, Partial<Facts>, RegExp, RegExp | null]>([
    [
      'fail',
      'version',
      'a server before 6.0',
      { server: { ...server, wireVersion: 13, version: { known: '5.0.4' } } },
      /^This is MongoDB 5\.0\.4, and 6\.0 or later is needed: every call/,
      /upgrade/,
    ],
    [
      'ok',
      'version',
      'a server that does not say its version',
      { server: { ...server, version: { unknown: 'refused' } } },
      /a server of wire version 17/,
      null,
    ],
    [
      'warn',
      'kind',
      'a sharded cluster',
      { server: { ...server, kind: 'sharded' }, members: [] },
      /sharded cluster/,
      /staging.*\{ scope: 1, key: 1 \}/,
    ],
    [
      'fail',
      'kind',
      'a standalone',
      { server: { ...server, kind: 'standalone', setName: null }, members: [] },
      /may lose a key that it has acknowledged/,
      /--replSet rs0.*rs\.initiate/,
    ],
    [
      'fail',
      'kind',
      'a set that is not initiated',
      { server: { ...server, kind: 'uninitiated', isWritable: false } },
      /not initiated/,
      /rs\.initiate/,
    ],
    [
      'fail',
      'primary',
      'a set without a primary',
      { server: { ...server, isWritable: false } },
      /^db1:27017 answers, but it is not the primary: every call/,
      /majority of the members/,
    ],
    [
      'warn',
      'members',
      'one of three members away',
      set(second, away),
      /Of 3 members some can not be reached from here: db3:27017 \(connect ECONNREFUSED\)\. A majority is still there/,
      /start these members/,
    ],
    [
      'warn',
      'members',
      'two of three members away',
      set(away, { ...away, host: 'db2:27017' }),
      /there is no majority/,
      /start these members/,
    ],
    [
      'warn',
      'members',
      'an arbiter',
      set(second, { host: 'db3:27017', asked: { known: { role: 'arbiter', aheadMs: 0, uncertaintyMs: 1 } } }),
      /hold no data/,
      /replace the arbiter/,
    ],
    [
      'warn',
      'members',
      'a member that is starting',
      set(second, { host: 'db3:27017', asked: { known: { role: 'other', aheadMs: 0, uncertaintyMs: 1 } } }),
      /db3:27017 \(it is no primary and no secondary\)/,
      /start/,
    ],
    ['ok', 'members', 'a set of one', set(), /one member: calls are refused while that restarts/, null],
    ['unknown', 'members', 'a primary that names no members', { members: [] }, /did not name/, null],
    [
      'warn',
      'write-concern',
      'the default w: 1',
      { writeConcern: { byDefault: { known: 1 }, byUri: undefined } },
      /The default of the server is w: 1\. Latchkey writes keys by majority.*rolled back/,
      /setDefaultRWConcern: 1, defaultWriteConcern: \{ w: "majority" \}/,
    ],
    [
      'warn',
      'write-concern',
      'no default',
      { writeConcern: { byDefault: { known: null }, byUri: undefined } },
      /w: 1/,
      /setDefaultRWConcern/,
    ],
    [
      'warn',
      'write-concern',
      'w=1 in the URI',
      { writeConcern: { byDefault: { known: 'majority' }, byUri: 1 } },
      /The URI says w=1/,
      /take w=… out/,
    ],
    [
      'ok',
      'write-concern',
      'w=majority in the URI',
      { writeConcern: { byDefault: { known: 1 }, byUri: 'majority' } },
      /The URI says w=majority/,
      null,
    ],
    [
      'unknown',
      'write-concern',
      'a default that may not be asked',
      { writeConcern: { byDefault: { unknown: 'not authorized' }, byUri: undefined } },
      /could not be asked: not authorized\.$/,
      /clusterMonitor/,
    ],
    [
      'fail',
      'rights',
      'keys without update',
      keys(lacks('update')),
      /^The user lacks the right to update: calls with a key are refused/,
      /grantRolesToUser/,
    ],
    [
      'warn',
      'rights',
      'keys without createIndex, where all are there',
      keys(lacks('createIndex')),
      /the store works with `indexes: "check"`/,
      /grantRolesToUser/,
    ],
    [
      'fail',
      'rights',
      'keys without createIndex, where one is missing',
      keys({ ...lacks('createIndex'), ...missing({ name: 'expiresAt_1' }) }),
      /lacks the right to createIndex/,
      /grantRolesToUser/,
    ],
    [
      'warn',
      'rights',
      'keys without remove',
      keys(lacks('remove')),
      /an operator can not erase a scope/,
      /grantRolesToUser/,
    ],
    [
      'warn',
      'rights',
      'the audit without insert',
      others(lacks('insert')),
      /no operator can act from a process with this URI; one without a dashboard does not need it/,
      /grantRolesToUser/,
    ],
    [
      'unknown',
      'rights',
      'rights that can not be asked',
      keys({ lacks: { unknown: 'no such command' } }),
      /could not be asked: no such command\.$/,
      null,
    ],
    [
      'fail',
      'collection',
      'a capped collection',
      keys({
        obstacle: {
          known:
            'shop.idempotency_keys is a capped collection, which can not hold keys. Fix: let `collection` name another one',
        },
      }),
      /is a capped collection, which can not hold keys: calls/,
      /^let `collection`/,
    ],
    [
      'fail',
      'indexes',
      'no unique index',
      keys(missing({ name: 'scope_1_key_1', unique: true })),
      /^Missing: scope_1_key_1: without the unique index no call with a key runs\.$/,
      /^make them$/,
    ],
    [
      'fail',
      'indexes',
      'no TTL index',
      keys(missing({ name: 'expiresAt_1' })),
      /nothing that has expired is removed/,
      /^make them$/,
    ],
    [
      'warn',
      'indexes',
      'no index for the dashboard',
      keys(missing({ name: 'state_1__id_-1' })),
      /the dashboard does not find/,
      /^make them$/,
    ],
    [
      'fail',
      'indexes',
      'an audit without its unique index',
      others(missing({ name: 'commandKey_1', unique: true })),
      /may act twice/,
      /^make them$/,
    ],
    [
      'warn',
      'indexes',
      'an audit without another index',
      others(missing({ name: 'by_1__id_-1' })),
      /^Missing: by_1__id_-1\.$/,
      /^make them$/,
    ],
    [
      'fail',
      'indexes',
      'an index in the way',
      keys({
        indexes: { known: { conflicts: ['Index "a" is unique. Fix: drop it'], missing: [], fix: null } },
      }),
      /^Index "a" is unique\.$/,
      /^drop it$/,
    ],
    [
      'warn',
      'indexes',
      'no collection of keys yet',
      keys({ exists: { known: false }, ...missing({ name: 'scope_1_key_1', unique: true }) }),
      /`ready\(\)` makes it/,
      /^make them$/,
    ],
    [
      'ok',
      'indexes',
      'no audit yet',
      others({ exists: { known: false }, ...missing({ name: 'commandKey_1', unique: true }) }),
      /when it is first used/,
      null,
    ],
    [
      'fail',
      'records',
      'a validator',
      { records: { known: 'Document failed validation' } },
      /refuses the record of a key \(Document failed validation\)/,
      /"validator":\{\}/,
    ],
    [
      'unknown',
      'records',
      'records that can not be tried',
      { records: { unknown: 'no lock' } },
      /could not be tried here: no lock\.$/,
      null,
    ],
    [
      'unknown',
      'scratch',
      'a user who may make no collection',
      {
        scratch: {
          ...scratch,
          made: { unknown: 'this user lacks the right to createCollection' },
          dropped: undefined,
          lacks: ['createCollection'],
        },
      },
      /No scratch collection could be made: this user lacks the right to createCollection/,
      /as a user of its own: .*createUser\(.*"readWrite", db: "shop" \}, \{ role: "clusterMonitor"/,
    ],
    [
      'warn',
      'scratch',
      'a collection that was not dropped',
      { scratch: { ...scratch, dropped: { unknown: 'no answer' } } },
      /could not be dropped: no answer/,
      /getCollection\("latchkey_doctor_1_a"\)\.drop\(\)/,
    ],
    [
      'warn',
      'scratch',
      'collections of killed calls',
      { scratch: { ...scratch, leftovers: ['latchkey_doctor_0_b'] } },
      /have left 1 of their collections/,
      /getCollection\("latchkey_doctor_0_b"\)\.drop\(\)/,
    ],
    [
      'fail',
      'race',
      'a race that two won',
      { trials: trialsOf({ end: 'kept' }, { race: { end: 'broken', what: '2 of 8 claims won' } }) },
      /^2 of 8 claims won: two calls with one key could both run\.$/,
      /use a MongoDB server/,
    ],
    [
      'fail',
      'transaction',
      'refused transactions',
      { trials: trialsOf({ end: 'kept' }, { transaction: { end: 'refused', error: 'code 20' } }) },
      /^The server refuses it \(code 20\): policies with/,
      /replica set/,
    ],
    [
      'unknown',
      'read',
      'a trial that was not made',
      { trials: trialsOf({ end: 'untried', why: 'it needs "claim"' }) },
      /^It was not tried: it needs "claim"\.$/,
      null,
    ],
    [
      'warn',
      'clock',
      'a clock that is 5 s off',
      { clock: { known: { aheadMs: 5_000, uncertaintyMs: 1 } } },
      /this machine is 5 s behind the primary's \(± 1 ms\)/,
      /NTP/,
    ],
    [
      'fail',
      'clock',
      'a clock that is 3 days off',
      { clock: { known: { aheadMs: -72 * HOUR, uncertaintyMs: 1 } } },
      /is 3 days ahead of the primary's.*fences of new keys/,
      /NTP/,
    ],
    [
      'ok',
      'clock',
      'a difference within the uncertainty',
      { clock: { known: { aheadMs: 1_900, uncertaintyMs: 1_000 } } },
      /this machine is 1\.9 s behind the primary's \(± 1 s\)/,
      null,
    ],
    [
      'unknown',
      'clock',
      'no clock',
      { clock: { unknown: 'no `localTime`' } },
      /could not be read: no `localTime`\.$/,
      null,
    ],
    [
      'fail',
      'member-clocks',
      'a member an hour ahead',
      set(second, member('db3:27017', HOUR)),
      /^The clock of db3:27017 is 60 min ahead of the primary's.*a living run lapses at once/,
      /NTP/,
    ],
    [
      'warn',
      'member-clocks',
      'a member an hour behind',
      set(second, member('db3:27017', -HOUR)),
      /60 min behind the primary's.*stay in progress longer/,
      /NTP/,
    ],
    [
      'warn',
      'member-clocks',
      'a member 5 s ahead',
      set(member('db2:27017', 5_000), third),
      /db2:27017 is 5 s ahead of/,
      /NTP/,
    ],
    [
      'ok',
      'member-clocks',
      'a member whose answer took too long to tell',
      set(second, member('db3:27017', 1_500, 900)),
      /in step/,
      null,
    ],
    [
      'unknown',
      'member-clocks',
      'a primary that can not be asked',
      { members: [away] },
      /could not be asked by itself/,
      null,
    ],
    ['ok', 'member-clocks', 'a set of one', set(), /No other member/, null],
    [
      'warn',
      'round-trip',
      'a server that is far away',
      { roundTrips: times(80, 120) },
      /takes 80 ms \(p99 120 ms, of 50\)/,
      /nearer/,
    ],
    [
      'unknown',
      'round-trip',
      'no answer',
      { roundTrips: { unknown: 'no answer within 5000 ms' } },
      /no answer within 5000 ms\.$/,
      null,
    ],
    [
      'ok',
      'commit-time',
      'quick commits',
      { commits: times(3, 40) },
      /a `leaseMs` from 1 s on, and a `timeoutMs` from 200 ms on\.$/,
      null,
    ],
    [
      'warn',
      'commit-time',
      'slow commits',
      { commits: times(300, 900) },
      /a `leaseMs` from 2\.7 s on, and a `timeoutMs` from 3\.6 s on\. Writes that take over 500 ms are sent twice/,
      /replication lag/,
    ],
    [
      'fail',
      'commit-time',
      'commits beyond the deadline',
      { commits: times(4_000, 6_000) },
      /With the default `timeoutMs` of 5 s calls are refused\./,
      /replication lag/,
    ],
    [
      'fail',
      'ttl-monitor',
      'a TTL monitor that is off',
      { ttlMonitor: { known: false } },
      /nothing that has expired is removed.*claimed as a new one all the same/,
      /setParameter: 1, ttlMonitorEnabled: true/,
    ],
    [
      'unknown',
      'ttl-monitor',
      'a parameter that may not be asked',
      { ttlMonitor: { unknown: 'not authorized' } },
      /not authorized\.$/,
      /clusterMonitor/,
    ],
    [
      'unknown',
      'ttl-monitor',
      'a mongos',
      { server: { ...server, kind: 'sharded' }, ttlMonitor: { unknown: 'no option' } },
      /no option\.$/,
      /primary of each shard/,
    ],
    [
      'warn',
      'ttl-backlog',
      'one expired record',
      lost(1),
      /^1 record expired more than 2 minutes ago and is still there, the oldest for 3 h/,
      /metrics\.ttl/,
    ],
    [
      'warn',
      'ttl-backlog',
      'many expired records',
      lost(10_000, { isMore: true }),
      /^More than 10000 records .* are still there/,
      /metrics\.ttl/,
    ],
    [
      'warn',
      'ttl-backlog',
      'expired records of a sharded cluster',
      { ...lost(2), server: { ...server, kind: 'sharded' } },
      /SERVER-92779/,
      /stepDown/,
    ],
  ])('%s about %s: %s', (state, topic, _, facts, text, fix) => {
    const found = judge(factsOf(facts)).find((one) => one.topic === topic);
    expect(found).toMatchObject({ state, text: expect.stringMatching(text) });
    if (fix) expect(found?.fix).toMatch(fix);
    else expect(found?.fix ?? null).toBe(null);
  });
});

it('the fix of a missing right names the user and the database', () => {
  const found = judge(factsOf(keys(lacks('insert')))).find(({ topic }) => topic === 'rights');
  expect(found).toMatchObject({ about: 'idempotency_keys', fix: GRANT });
});

it('without a primary only the server is judged, for nothing else can be asked', () => {
  const facts = factsOf({ server: { ...server, isWritable: false }, collections: [] });
  expect(judge(facts).map(({ topic }) => topic)).toEqual(['version', 'kind', 'primary', 'members']);
});

it('judges by the deadline that a store has by default', () => {
  const db = { databaseName: 'shop', command: async () => ({}) };
  expect(resolveOptions({ db }).timeoutMs).toBe(TIMEOUT_MS);
});

it('docs/doctor.md explains each topic under a heading of its name', () => {
  const page = readFileSync(new URL('../../docs/doctor.md', import.meta.url), 'utf8');
  const headings = Array.from(page.matchAll(/^### (.+)$/gm), ([, heading]) => heading);
  expect(headings).toEqual([...TOPICS]);
});
