import type { Document } from 'mongodb';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectToMember } from '../../server/cli/session/member.ts';
import { examine } from '../support/doctor.ts';
import type { MongodProcess } from '../support/mongod/mongod-process.ts';
import { type ReplicaSet, startReplicaSet } from '../support/mongod/start-replica-set.ts';
import { startRefusingProxy } from '../support/refusing-proxy.ts';
import { until } from '../support/until.ts';

const HOUR = 3_600_000;

// The tests stop one member after the other, in this order.
let set: ReplicaSet;
let primary: MongodProcess;
let secondaries: MongodProcess[];
beforeAll(async () => {
  set = await startReplicaSet();
  primary = await set.primary();
  secondaries = set.members.filter((member) => member !== primary);
});
afterAll(() => set[Symbol.asyncDispose]());

const hostOf = ({ port }: MongodProcess) => `127.0.0.1:${port}`;

it('a set of three keeps each promise, and a member whose clock is ahead is named with what a failover to it does', async () => {
  const [ahead] = secondaries as [MongodProcess];
  const change = (reply: Document) => {
    if (reply.localTime) reply.localTime = new Date(reply.localTime.getTime() + HOUR);
  };
  await using proxy = await startRefusingProxy(ahead.port, { change });
  const throughProxy = (host: string) =>
    connectToMember(set.uri, host === hostOf(ahead) ? `127.0.0.1:${proxy.port}` : host);
  const { of, facts, topics } = await examine(set.uri, { connectTo: throughProxy });
  expect(facts.members.map(({ host }) => host).sort()).toEqual(set.members.map(hostOf).sort());
  expect(of('members')).toMatchObject({ state: 'ok', text: 'All of 3 members can be reached from here.' });
  expect(of('transaction').state).toBe('ok');
  expect(topics('fail')).toEqual(['member-clocks']);
  expect(of('member-clocks').text).toMatch(
    new RegExp(`^The clock of ${hostOf(ahead)} is 60 min ahead of the primary's .*living run lapses at once`),
  );
});

it('with one member away all promises hold, and it is said which one is missing', async () => {
  const [lost] = secondaries as [MongodProcess];
  await lost.kill('SIGKILL');
  const { of, topics } = await examine(set.uri);
  expect(topics('fail')).toEqual([]);
  expect(of('members')).toMatchObject({
    state: 'warn',
    text: expect.stringMatching(
      new RegExp(
        `^Of 3 members some can not be reached from here: ${hostOf(lost)} \\(.*ECONNREFUSED.*A majority is still there`,
      ),
    ),
  });
  expect(topics('unknown')).toEqual(['records']);
});

it('without a majority there is no primary, which is said of the set and of each thing that could not be asked', async () => {
  const [, lost] = secondaries as [MongodProcess, MongodProcess];
  await lost.kill('SIGKILL');
  const direct = new MongoClient(`mongodb://${hostOf(primary)}/?directConnection=true`);
  await until(async () => expect((await direct.db('admin').command({ hello: 1 })).secondary).toBe(true));
  await direct.close();
  const { of, findings } = await examine(`${set.uri}&serverSelectionTimeoutMS=1000`);
  expect(of('primary')).toMatchObject({
    state: 'fail',
    text: `${hostOf(primary)} answers, but it is not the primary: every call with a key is refused.`,
  });
  expect(of('members').text).toContain('From here there is no majority');
  expect(findings.map(({ topic }) => topic)).toEqual(['version', 'kind', 'primary', 'members']);
});
