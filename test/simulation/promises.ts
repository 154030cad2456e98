import { isDeepStrictEqual } from 'node:util';
import type { Answered } from './client.ts';
import type { Doc } from './evaluate.ts';
import type { Played } from './play.ts';
import type { Fault } from './scenario.ts';
import type { LogEntry } from './server-model.ts';
import type { Effect, Receipt } from './shop.ts';

/** A broken promise: which one, and what shows it. */
export interface Violation {
  readonly promise: string;
  readonly detail: string;
}

/** Looks for what must never be in what was played. Each check names the promise that it is for. */
export function violations(played: Played): Violation[] {
  return CHECKS.flatMap(([promise, check]) => check(played).map((detail) => ({ promise, detail })));
}

type Check = (played: Played) => string[];

const idOf = ({ scope, key }: { scope: string; key: string }) => `${scope}\n${key}`;
const name = (id: string) => id.replace('\n', '/');
const isRunning = (document: Doc | null): document is Doc => document?.state === 'running';
const ms = (date: unknown) => (date as Date).getTime();

/** Says which life of its key a fencing token belonged to at a time. */
type LifeOf = (token: { scope: string; key: string; fence: number }, at: number) => string;

/**
 * Reads the lives of all keys from the server's log: one begins where there is no record, or where it has expired. Where clocks differ
 * and results are kept for seconds, a later life may have a token that an earlier one had.
 */
function livesOf({ server }: Played): LifeOf {
  const claims = new Map<string, { at: number; life: string }[]>();
  const current = new Map<string, number>();
  let life = 0;
  for (const { id, before, after, at } of server.log) {
    if (!after) continue;
    if (before === null || before.life !== after.life) current.set(id, ++life);
    const token = `${id}\n${after.fence}`;
    if (isRunning(after))
      claims.set(token, [...(claims.get(token) ?? []), { at, life: `${id} life ${current.get(id)}` }]);
  }
  return ({ fence, ...address }, at) =>
    claims.get(`${idOf(address)}\n${fence}`)?.findLast((claim) => claim.at <= at)?.life ?? UNKNOWN;
}

const UNKNOWN = 'no life';
const tokenOf = (id: string, fence: unknown) => {
  const [scope = '', key = ''] = id.split('\n');
  return { scope, key, fence: fence as number };
};

const stepsClock = ({ scenario: { faults } }: Played) =>
  faults.some((fault) => fault.kind === 'server clock' || (fault.kind === 'election' && fault.clockMs !== 0));

const CHECKS: readonly [promise: string, check: Check][] = [
  [
    'no run without a record',
    (played) => {
      const lifeOf = livesOf(played);
      return played.effects
        .filter((effect) => lifeOf(effect, effect.at) === UNKNOWN)
        .map((effect) => `effect of ${name(idOf(effect))} fence ${effect.fence}, which no record ever had`);
    },
  ],
  [
    'a crash never silently runs an effect again',
    (played) => {
      if (played.scenario.mode === 'retry') return [];
      const lifeOf = livesOf(played);
      return repeated(played.effects, (effect) => lifeOf(effect, effect.at)).map(
        (group) =>
          `${group.length} effects of ${name(idOf(group[0] as Effect))} in one life: fences ${group.map(({ fence }) => fence)}`,
      );
    },
  ],
  [
    'at most one run within a lease',
    (played) => {
      const taken = played.server.log.filter(
        ({ before, after, now }) =>
          isRunning(before) &&
          after !== null &&
          after.fence !== before.fence &&
          ms(before.leaseExpiresAt) > now.getTime(),
      );
      // A holder that believes in its lease makes no effect once somebody else has the key. Where the server's clock was set, it can not
      // know before its next renewal says so.
      const lifeOf = livesOf(played);
      const graceMs = stepsClock(played) ? played.scenario.policy.leaseMs : 0;
      const late = played.effects.filter((effect) =>
        played.server.log.some(
          ({ id, before, after, at }) =>
            id === idOf(effect) &&
            isRunning(before) &&
            before.fence === effect.fence &&
            !(isRunning(after) && after.fence === effect.fence) &&
            lifeOf(effect, at) === lifeOf(effect, effect.at) &&
            at + graceMs < effect.at,
        ),
      );
      return [
        ...taken.map(({ id, at }) => `${name(id)} was taken from a run within its lease, at ${at} ms`),
        ...late.map(
          (effect) => `effect of ${name(idOf(effect))} fence ${effect.fence} after its run had lost the key`,
        ),
      ];
    },
  ],
  [
    'a stored answer stays until it expires',
    ({ server }) =>
      server.log
        .filter(({ before, after, now }) => {
          if (before?.state !== 'completed') return false;
          if (after === null || after.life !== before.life) return ms(before.expiresAt) > now.getTime();
          const kept = ['state', 'response', 'outcome', 'expiresAt', 'leaseExpiresAt'];
          return kept.some((field) => !isDeepStrictEqual(after[field], before[field]));
        })
        .map(({ id, at }) => `the stored answer of ${name(id)} changed at ${at} ms`),
  ],
  [
    'a record that runs is not forgotten',
    ({ server }) =>
      server.log
        .filter(
          ({ before, after, now }) =>
            after === null && isRunning(before) && ms(before.leaseExpiresAt) > now.getTime(),
        )
        .map(({ id, at }) => `the running record of ${name(id)} was removed at ${at} ms`),
  ],
  [
    'an acknowledged completion is what every later answer gives',
    (played) => {
      const lifeOf = livesOf(played);
      const stored = new Map<string, LogEntry>();
      for (const entry of played.server.log)
        if (entry.after?.state === 'completed')
          stored.set(lifeOf(tokenOf(entry.id, entry.after.fence), entry.at), entry);
      const acknowledged = played.events
        .filter(({ type }) => type === 'completed')
        .filter(({ id, fence, at }) => !stored.has(lifeOf(tokenOf(id, fence), at)))
        .map(
          ({ id, fence }) => `fence ${fence} of ${name(id)} was acknowledged, and no majority ever had it`,
        );
      const wrong = played.answers
        .filter(({ receipt, ran }) => receipt && ran === undefined)
        .filter(({ receipt, at }) => {
          const body = (stored.get(lifeOf(receipt as Receipt, at))?.after?.response as Doc | undefined)?.body;
          return body === undefined || !isDeepStrictEqual(JSON.parse(String(body)).data, receipt);
        })
        .map(
          ({ receipt, call }) =>
            `${name(idOf(call))} was answered with fence ${receipt?.fence}, which is not what is stored`,
        );
      return [...acknowledged, ...wrong];
    },
  ],
  [
    'every retry gets the same answer',
    (played) => {
      const lifeOf = livesOf(played);
      const kept = new Set(
        played.events.filter(({ type }) => type === 'completed').map(({ id, fence }) => `${id}\n${fence}`),
      );
      const counted = played.answers.filter(
        ({ receipt, ran, call }) => receipt && (ran === undefined || kept.has(`${idOf(call)}\n${ran}`)),
      );
      const byLife = new Map<string, Set<string>>();
      for (const { receipt, at } of counted) {
        const life = lifeOf(receipt as Receipt, at);
        byLife.set(life, (byLife.get(life) ?? new Set()).add(JSON.stringify(receipt)));
      }
      return [...byLife]
        .filter(([, answers]) => answers.size > 1)
        .map(([life, answers]) => `${name(life)} was answered with ${[...answers].join(' and ')}`);
    },
  ],
  [
    'the newer result stands',
    ({ events, answers }) => {
      const superseded = events.filter(
        ({ type, reason }) =>
          type === 'result_not_recorded' && (reason === 'completed' || reason === 'running'),
      );
      return answers
        .filter(
          ({ receipt, call, ran, at }) =>
            receipt &&
            superseded.some((event) => event.id === idOf(call) && event.fence === ran && event.at === at),
        )
        .map(
          ({ receipt, call }) =>
            `${name(idOf(call))} got the result of fence ${receipt?.fence} though a newer run had the key`,
        );
    },
  ],
  [
    'a key is for one scope and one input',
    ({ answers }) =>
      answers
        .filter(
          ({ receipt, call }) => receipt && (receipt.amount !== call.amount || idOf(receipt) !== idOf(call)),
        )
        .map(
          ({ receipt, call }) =>
            `${name(idOf(call))} amount ${call.amount} got the answer of ${JSON.stringify(receipt)}`,
        ),
  ],
  [
    'KEY_REUSED is said only where another input used the key',
    ({ answers, scenario }) =>
      answers
        .filter(
          ({ error, call }) =>
            error === 'IDEMPOTENCY_KEY_REUSED' &&
            !scenario.calls.some((other) => idOf(other) === idOf(call) && other.amount !== call.amount),
        )
        .map(({ call }) => `${name(idOf(call))} was told KEY_REUSED`),
  ],
  [
    'no call hangs',
    ({ hanging }) => hanging.map((call) => `the call of ${name(idOf(call))} at ${call.at} ms never ended`),
  ],
  [
    'no key is stuck',
    (played) => {
      const last = new Map<string, Answered>();
      for (const answer of played.answers) if (answer.isFinal) last.set(idOf(answer.call), answer);
      const asked = new Set(played.scenario.calls.map(idOf));
      return [...asked].flatMap((id) => {
        const answer = last.get(id);
        const isFine =
          answer?.receipt ||
          answer?.error === 'IDEMPOTENCY_IN_DOUBT' ||
          answer?.error === 'IDEMPOTENCY_KEY_REUSED';
        return isFine
          ? []
          : [`${name(id)} gets ${answer ? answer.error : 'no answer'} long after the last fault`];
      });
    },
  ],
  [
    'no false doubt',
    ({ answers, events, scenario: { faults, policy } }) => {
      // Without a fault nobody is in doubt. Nor is a key that was never run, where no fault lasts as long as a lease: a claim that is
      // given up in a longer outage may lapse before its release gets through.
      const isStrange = ({ call }: Answered) =>
        faults.length === 0 ||
        (faults.every((fault) => isBrief(fault, policy.leaseMs)) &&
          !events.some(({ type, id }) => type === 'started' && id === idOf(call)));
      return answers
        .filter((answer) => answer.error === 'IDEMPOTENCY_IN_DOUBT' && isStrange(answer))
        .map(({ call }) => `${name(idOf(call))} is in doubt, and no run of it was killed`);
    },
  ],
];

function isBrief(fault: Fault, leaseMs: number): boolean {
  if (fault.kind === 'app clock') return true;
  if (!('ms' in fault) || fault.kind === 'freeze') return false;
  const lateMs = 'slowMs' in fault ? fault.slowMs : 'replicationMs' in fault ? fault.replicationMs : 0;
  return fault.ms + lateMs < leaseMs / 2;
}

function repeated<T>(items: readonly T[], by: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(by(item), [...(groups.get(by(item)) ?? []), item]);
  return [...groups.values()].filter((group) => group.length > 1);
}
