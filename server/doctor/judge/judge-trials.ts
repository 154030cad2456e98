import { type Facts, TRIALS, type Trial, type TrialName } from '../facts.ts';
import type { Finding } from '../finding.ts';
import { capital, fail, ok, unknown } from './made.ts';

const LACK = 'Amazon DocumentDB before 8.0 and Azure Cosmos DB lack it';
const NEEDS_MONGODB = 'use a MongoDB server (6.0 or later): nothing in Latchkey can stand in for it';

interface Words {
  readonly holds: string;
  /** What it means for calls when it does not hold. */
  readonly without: string;
}

const WORDS: Readonly<Record<TrialName, Words>> = {
  'unique-index': {
    holds: 'A unique index refuses a second record of one scope and key.',
    without: 'two calls with one key could both run',
  },
  'ttl-index': {
    holds: 'A TTL index can be made.',
    without: 'nothing that has expired is removed, and `ready()` refuses the server',
  },
  'partial-index': {
    holds: 'A partial index can be made.',
    without: 'the dashboard does not find what needs attention, and `ready()` refuses the server',
  },
  'update-pipelines': {
    holds: 'Updates by a pipeline work, also as an upsert.',
    without: `no key can be claimed. ${LACK} in part`,
  },
  constants: {
    holds: 'Pipelines take constants (`c`).',
    without: `no key can be claimed. ${LACK}`,
  },
  'server-clock': {
    holds: 'Pipelines know the clock of the server (`$$NOW`).',
    without: `no lease can go by the clock of the server, and no key can be claimed. ${LACK}`,
  },
  claim: {
    holds: 'A claim makes a record, and neither a copy of it nor another call’s takes it.',
    without: 'no call with a key runs',
  },
  race: {
    holds: 'Of several claims of a key at the same time one wins.',
    without: 'two calls with one key could both run',
  },
  renew: {
    holds: 'A lease can be renewed.',
    without: 'runs longer than `leaseMs` lose their key',
  },
  step: {
    holds: 'A step is recorded once.',
    without: '`run.step` can not be relied on',
  },
  complete: {
    holds: 'A result is stored by its own run only, and is read back as it was.',
    without: 'retries get no answer, or a wrong one',
  },
  release: {
    holds: 'A key whose run did not start can be claimed again.',
    without: 'retries after a released run are refused',
  },
  expire: {
    holds: 'An expired key is claimed as a new one.',
    without: 'keys that were used once can not be used again',
  },
  'give-up': {
    holds: 'A claim that was given up wins nothing, however late it comes.',
    without: 'a call that timed out may leave its key running',
  },
  takeover: {
    holds: 'A lapsed run is taken over, and can not write any more.',
    without: 'the key of a crashed process stays blocked, or two runs write to it',
  },
  'in-doubt': {
    holds: 'A lapsed run is left in doubt, and its late result is stored.',
    without: 'keys of crashed processes are not safe',
  },
  read: {
    holds: 'A read by majority sees the claim before it.',
    without: 'a duplicate could be told that its key is free',
  },
  transaction: {
    holds: 'Effects and a result are one commit, or nothing.',
    without: 'policies with `transaction: true` are refused; all others work',
  },
};

/** Judges what became of the trials. */
export function judgeTrials({ trials, server }: Facts): Finding[] {
  if (!server.isWritable) return [];
  return TRIALS.map((name) => judgeTrial(name, trials[name]));
}

function judgeTrial(name: TrialName, trial: Trial): Finding {
  const { holds, without } = WORDS[name];
  switch (trial.end) {
    case 'kept':
      return ok(name, holds);
    case 'broken':
      return fail(name, `${capital(trial.what)}: ${without}.`, { fix: NEEDS_MONGODB });
    case 'refused':
      return fail(name, `The server refuses it (${trial.error}): ${without}.`, { fix: fixOf(name) });
    case 'untried':
      return unknown(name, `It was not tried: ${trial.why}.`);
    default:
      return trial satisfies never;
  }
}

const fixOf = (name: TrialName) =>
  name === 'transaction' ? 'use a replica set (one member will do) or a sharded cluster' : NEEDS_MONGODB;
