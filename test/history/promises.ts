import { isDeepStrictEqual } from 'node:util';
import { type Answered, type KeyHistory, nameOf, type Receipt } from './history.ts';
import { isRunning, livesOf, UNKNOWN_LIFE } from './lives.ts';

/** A broken promise: which one, of which key, and what shows it. */
export interface Violation {
  readonly promise: string;
  readonly history: KeyHistory;
  readonly detail: string;
}

/**
 * Looks for what must never be in the histories of keys, whether they were simulated or recorded of a real cluster. Each check names the
 * promise that it is for.
 * @param unasked promises that are not asked about
 */
export function violations(histories: readonly KeyHistory[], unasked = new Set<string>()): Violation[] {
  return CHECKS.filter(([promise]) => !unasked.has(promise)).flatMap(([promise, check]) =>
    histories.flatMap((history) => check(history).map((detail) => ({ promise, history, detail }))),
  );
}

type Check = (history: KeyHistory) => string[];

const ms = (date: unknown) => (date as Date).getTime();

/** Lasts for as long as an answer is stored. */
const KEPT = ['state', 'response', 'outcome', 'expiresAt', 'leaseExpiresAt'];
const FINE = ['IDEMPOTENCY_IN_DOUBT', 'IDEMPOTENCY_KEY_REUSED'];

const noRunWithoutARecord: Check = (history) => {
  const lifeOf = livesOf(history);
  return history.effects
    .filter((effect) => lifeOf(effect, effect.at) === UNKNOWN_LIFE)
    .map((effect) => `effect of ${nameOf(effect)} fence ${effect.fence}, which no record ever had`);
};

const noSilentRepetition: Check = (history) => {
  if (history.rules.mayRepeat) return [];
  const lifeOf = livesOf(history);
  return repeated(history.effects, (effect) => lifeOf(effect, effect.at)).map(
    (group) =>
      `${group.length} effects of ${nameOf(history)} in one life: fences ${group.map(({ fence }) => fence)}`,
  );
};

const oneRunWithinALease: Check = (history) => {
  const { written, effects, rules } = history;
  const taken = written.filter(
    ({ before, after, now }) =>
      isRunning(before) && after !== null && after.fence !== before.fence && ms(before.leaseExpiresAt) > now,
  );
  // A holder that believes in its lease makes no effect once somebody else has the key.
  const lifeOf = livesOf(history);
  const late = effects.filter((effect) =>
    written.some(
      ({ before, after, at }) =>
        isRunning(before) &&
        before.fence === effect.fence &&
        !(isRunning(after) && after.fence === effect.fence) &&
        at + rules.graceMs < effect.at &&
        lifeOf(effect, at) === lifeOf(effect, effect.at),
    ),
  );
  return [
    ...taken.map(({ at }) => `${nameOf(history)} was taken from a run within its lease, at ${at} ms`),
    ...late.map(
      (effect) => `effect of ${nameOf(effect)} fence ${effect.fence} after its run had lost the key`,
    ),
  ];
};

const aStoredAnswerStays: Check = (history) =>
  history.written
    .filter(({ before, after, now }) => {
      if (before?.state !== 'completed') return false;
      if (after === null || after.life !== before.life) return ms(before.expiresAt) > now;
      return KEPT.some((field) => !isDeepStrictEqual(after[field], before[field]));
    })
    .map(({ at }) => `the stored answer of ${nameOf(history)} changed at ${at} ms`);

const aRunningRecordStays: Check = (history) =>
  history.written
    .filter(
      ({ before, after, now }) => after === null && isRunning(before) && ms(before.leaseExpiresAt) > now,
    )
    .map(({ at }) => `the running record of ${nameOf(history)} was removed at ${at} ms`);

const acknowledgedIsStored: Check = (history) => {
  const lifeOf = livesOf(history);
  const stored = new Map<string, KeyHistory['written'][number]>();
  for (const entry of history.written)
    if (entry.after?.state === 'completed') stored.set(lifeOf({ fence: entry.after.fence }, entry.at), entry);
  const lost = history.told
    .filter(({ type, fence, at }) => type === 'completed' && !stored.has(lifeOf({ fence }, at)))
    .map(({ fence }) => `fence ${fence} of ${nameOf(history)} was acknowledged, and no majority ever had it`);
  const wrong = history.answers
    .filter(({ receipt, ran, at }) => {
      if (!receipt || ran !== undefined || nameOf(receipt) !== nameOf(history)) return false;
      return !isDeepStrictEqual(stored.get(lifeOf(receipt, at))?.answer, receipt);
    })
    .map(
      ({ receipt }) =>
        `${nameOf(history)} was answered with fence ${receipt?.fence}, which is not what is stored`,
    );
  return [...lost, ...wrong];
};

const everyRetryGetsTheSame: Check = (history) => {
  const lifeOf = livesOf(history);
  const kept = new Set(history.told.filter(({ type }) => type === 'completed').map(({ fence }) => fence));
  const byLife = new Map<string, Set<string>>();
  for (const { receipt, text, ran, at } of history.answers) {
    if (!receipt || nameOf(receipt) !== nameOf(history) || (ran !== undefined && !kept.has(ran))) continue;
    const life = lifeOf(receipt, at);
    byLife.set(life, (byLife.get(life) ?? new Set()).add(text ?? JSON.stringify(receipt)));
  }
  return [...byLife]
    .filter(([, answers]) => answers.size > 1)
    .map(([life, answers]) => `${nameOf(history)} ${life} was answered with ${[...answers].join(' and ')}`);
};

const anOldLifeIsForgotten: Check = (history) => {
  const { written, answers } = history;
  const begun = written.filter(
    ({ before, after }) => isRunning(after) && (before === null || before.life !== after.life),
  );
  return answers.flatMap(({ receipt, ran, askedAt = 0 }) => {
    if (!receipt || ran !== undefined) return [];
    const claim = written.findLast(({ after }) => isRunning(after) && after.fence === receipt.fence);
    const newer = begun.find(({ from, at }) => claim && from > claim.at && at < askedAt);
    return newer
      ? [
          `${nameOf(history)} was answered with fence ${receipt.fence}, though it had a new life since ${newer.at} ms`,
        ]
      : [];
  });
};

const theNewerResultStands: Check = (history) => {
  const superseded = history.told.filter(
    ({ type, reason }) => type === 'result_not_recorded' && (reason === 'completed' || reason === 'running'),
  );
  return history.answers
    .filter(
      ({ receipt, ran, at }) => receipt && superseded.some((event) => event.fence === ran && event.at <= at),
    )
    .map(
      ({ receipt }) =>
        `${nameOf(history)} got the result of fence ${receipt?.fence} though a newer run had the key`,
    );
};

const oneScopeAndInput: Check = (history) =>
  history.answers
    .filter(
      ({ receipt, amount }) => receipt && (receipt.amount !== amount || nameOf(receipt) !== nameOf(history)),
    )
    .map(
      ({ receipt, amount }) =>
        `${nameOf(history)} amount ${amount} got the answer of ${JSON.stringify(receipt)}`,
    );

const reusedOnlyWhereReused: Check = (history) =>
  history.answers
    .filter(
      ({ error, amount }) =>
        error === 'IDEMPOTENCY_KEY_REUSED' && !history.sent.some((other) => other.amount !== amount),
    )
    .map(() => `${nameOf(history)} was told KEY_REUSED`);

const noCallHangs: Check = (history) =>
  history.hanging.map((call) => `the call of ${nameOf(history)} at ${call.at} ms never ended`);

const noKeyIsStuck: Check = (history) => {
  const answer = history.answers.findLast(({ isFinal }) => isFinal);
  if (answer?.receipt || FINE.includes(answer?.error ?? '')) return [];
  return [`${nameOf(history)} gets ${answer ? answer.error : 'no answer'} long after the last fault`];
};

const noFalseDoubt: Check = (history) =>
  history.answers
    .filter((answer) => isDoubt(answer) && history.excuse(answer) === undefined)
    .map(() => `${nameOf(history)} is in doubt, and no run of it was killed`);

const oneCommit: Check = (history) => {
  if (!history.rules.isTransaction) return [];
  const stored = history.written.flatMap(({ before, after, answer }) =>
    answer && after?.state === 'completed' && before?.state !== 'completed' ? [answer] : [],
  );
  const has = (receipts: readonly Receipt[], one: Receipt) =>
    receipts.some(({ fence, attempt }) => fence === one.fence && attempt === one.attempt);
  const answered = history.answers.flatMap(({ receipt }) =>
    receipt && nameOf(receipt) === nameOf(history) ? [receipt] : [],
  );
  return [
    ...history.effects
      .filter((effect) => !has(stored, effect))
      .map(({ fence }) => `an effect of ${nameOf(history)} fence ${fence} was committed without its answer`),
    ...stored
      .filter((answer) => !has(history.effects, answer))
      .map(({ fence }) => `an answer of ${nameOf(history)} fence ${fence} was committed without its effect`),
    ...answered
      .filter((receipt) => !has(stored, receipt))
      .map(({ fence }) => `${nameOf(history)} was answered with fence ${fence}, which was not committed`),
  ];
};

const noDoubtOfATransaction: Check = (history) =>
  history.answers
    .filter((answer) => history.rules.isTransaction && isDoubt(answer))
    .map(() => `${nameOf(history)} is in doubt, though nothing of a transaction is`);

export const isDoubt = ({ error }: Answered) => error === 'IDEMPOTENCY_IN_DOUBT';

export const CHECKS: readonly (readonly [promise: string, check: Check])[] = [
  ['no run without a record', noRunWithoutARecord],
  ['a crash never silently runs an effect again', noSilentRepetition],
  ['at most one run within a lease', oneRunWithinALease],
  ['a stored answer stays until it expires', aStoredAnswerStays],
  ['a record that runs is not forgotten', aRunningRecordStays],
  ['an acknowledged completion is what every later answer gives', acknowledgedIsStored],
  ['every retry gets the same answer', everyRetryGetsTheSame],
  ['an answer is forgotten once its key has a new life', anOldLifeIsForgotten],
  ['the newer result stands', theNewerResultStands],
  ['a key is for one scope and one input', oneScopeAndInput],
  ['KEY_REUSED is said only where another input used the key', reusedOnlyWhereReused],
  ['no call hangs', noCallHangs],
  ['no key is stuck', noKeyIsStuck],
  ['no false doubt', noFalseDoubt],
  ['effect and answer of a transaction are one commit', oneCommit],
  ['a transaction leaves no doubt', noDoubtOfATransaction],
];

function repeated<T>(items: readonly T[], by: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(by(item), [...(groups.get(by(item)) ?? []), item]);
  return [...groups.values()].filter((group) => group.length > 1);
}
