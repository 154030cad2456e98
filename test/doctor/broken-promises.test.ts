import type { Document } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Topic } from '../../server/doctor/finding.ts';
import { type FreshDatabase, freshDatabase, mongoPort } from '../support/database.ts';
import { examine } from '../support/doctor.ts';
import { startRefusingProxy, type Treatment } from '../support/refusing-proxy.ts';

let database: FreshDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database[Symbol.asyncDispose]());

/** Changes one kind of statement; the server takes it, and says that all is well. */
const statement =
  (matches: (statement: Document) => boolean, change: (statement: Document) => Document) =>
  (command: Document): Treatment => {
    const { updates } = command;
    if (!Array.isArray(updates) || !updates.some(matches)) return undefined;
    return {
      send: { ...command, updates: updates.map((one) => (matches(one) ? { ...one, ...change(one) } : one)) },
    };
  };
const nowhere = ({ q }: Document) => ({ q: { ...q, _id: 'nowhere' }, upsert: false });
const has = (constant: string) => (one: Document) => one.c !== undefined && constant in one.c;

interface Row {
  readonly server: string;
  readonly treat: (command: Document) => Treatment;
  /** The first of these has the text; others follow from it. */
  readonly fail: Topic[];
  readonly says: RegExp;
}

const ROWS: Row[] = [
  {
    server: 'gives a key to whoever claims it last',
    treat: statement(has('record'), ({ u }) => {
      const [{ $replaceWith }] = u;
      const [, claimed] = $replaceWith.$cond;
      return { u: [{ $replaceWith: { $mergeObjects: ['$$ROOT', claimed] } }] };
    }),
    fail: ['claim'],
    says: /^A second claim took the key from the first: no call with a key runs\.$/,
  },
  {
    server: 'forgets renewals',
    treat: statement(({ c }) => c && Object.keys(c).join() === 'leaseMs,keepMs', nowhere),
    fail: ['renew'],
    says: /^The lease did not become longer: runs longer than `leaseMs` lose their key\.$/,
  },
  {
    server: 'records a step each time that it is sent',
    treat: statement(has('name'), () => ({
      u: [{ $set: { steps: { $concatArrays: [{ $ifNull: ['$steps', []] }, [{ name: '$$name' }]] } } }],
    })),
    fail: ['step'],
    says: /^The record has 2 steps after one was recorded/,
  },
  {
    server: 'does not look at the fence of who completes',
    treat: statement(has('outcome'), ({ q: { fence, ...q } }) => ({ q })),
    fail: ['complete'],
    says: /^A run with another fence completed the key/,
  },
  {
    server: 'forgets releases',
    treat: statement(({ c }) => c?.reason === 'not started', nowhere),
    fail: ['release'],
    says: /^A key that was released could not be claimed again/,
  },
  {
    server: 'leaves an expired key as it was',
    treat: statement(
      ({ c, q }) => has('hashes')({ c }) && !has('endedKeepMs')({ c }) && q.owner !== undefined,
      nowhere,
    ),
    fail: ['release', 'expire'],
    says: /could not be claimed again/,
  },
  {
    server: 'forgets that a claim was given up',
    treat: statement(has('tombstoneMs'), nowhere),
    fail: ['give-up'],
    says: /^A claim that was given up won its key afterwards/,
  },
  {
    server: 'takes nothing over',
    treat: statement(has('endedKeepMs'), (one) => (has('hashes')(one) ? nowhere(one) : one)),
    fail: ['takeover', 'in-doubt'],
    says: /^A run whose lease had lapsed could not be taken over/,
  },
  {
    server: 'forgets late results',
    treat: statement(({ q }) => q.state === 'in_doubt', nowhere),
    fail: ['in-doubt'],
    says: /^A late result was not stored/,
  },
  {
    server: 'reads what was before',
    treat: (command) =>
      command.find && command.projection?.leaseLeftMs
        ? { send: { ...command, filter: { _id: 'nowhere' } } }
        : undefined,
    fail: ['read'],
    says: /^A read after a claim does not see it/,
  },
  {
    server: 'commits nothing',
    treat: ({ commitTransaction, maxTimeMS, ...command }) =>
      commitTransaction ? { send: { abortTransaction: 1, ...command } } : undefined,
    fail: ['transaction'],
    says: /^What was committed is not there/,
  },
  {
    server: 'commits what is aborted',
    treat: ({ abortTransaction, ...command }) =>
      abortTransaction ? { send: { commitTransaction: 1, ...command } } : undefined,
    fail: ['transaction'],
    says: /^What was aborted is there/,
  },
];

it.each(ROWS.map((row): [string, Row] => [row.server, row]))(
  'the doctor notices a server that %s, though it refuses nothing',
  async (_, { treat, fail, says }) => {
    await using proxy = await startRefusingProxy(mongoPort(), { treat });
    const { topics, of } = await examine(proxy.uri, { database: database.name });
    const isTrial = (topic: Topic) => topic !== 'ttl-monitor' && topic !== 'commit-time';
    expect(topics('fail').filter(isTrial)).toEqual(fail);
    expect(of(fail[0] as Topic).text).toMatch(says);
  },
);
