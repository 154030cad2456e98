import { describe, expect, it } from 'vitest';
import type { Answered, Effect, Fields, KeyHistory, Told, Written } from './history.ts';
import { CHECKS, violations } from './promises.ts';
import { showHistory } from './show-history.ts';

const RECEIPT = { scope: 'alice', key: 'k', amount: 5, fence: 1 };
const of = (fence: number) => ({ ...RECEIPT, fence });
const date = (ms: number) => new Date(ms);

const running = (fence: number, leaseMs = 1_000): Fields => ({
  ...{ state: 'running', life: 1, fence, leaseExpiresAt: date(leaseMs), expiresAt: date(9_000) },
});
const completed = (fence: number, more: Fields = {}): Fields => ({
  ...{ state: 'completed', life: 1, fence, response: { body: `fence ${fence}` }, expiresAt: date(9_000) },
  ...more,
});
const inDoubt = (fence: number): Fields => ({ ...completed(fence), state: 'in_doubt', response: undefined });

const wrote = (at: number, before: Fields | null, after: Fields | null): Written => ({
  ...{ from: at, at, now: at, before, after },
  ...(after?.state === 'completed' && { answer: of(after.fence as number) }),
});
const effect = (at: number, fence = 1): Effect => ({ ...of(fence), at, by: 'app-1' });
const told = (at: number, type: string, fence = 1, reason?: string): Told => ({
  ...{ at, type, fence, by: 'app-1' },
  ...(reason !== undefined && { reason }),
});
const answered = (at: number, more: Partial<Answered> = {}): Answered => ({
  ...{ at, amount: 5, from: 'app-1', ran: undefined, isFinal: false },
  ...(more.error === undefined && { receipt: RECEIPT }),
  ...more,
});

/** A key that ran once, and was asked for once more at the end. */
const RIGHT: KeyHistory = {
  ...{ scope: 'alice', key: 'k', rules: { mayRepeat: false, isTransaction: false, graceMs: 0 } },
  sent: [{ at: 0, amount: 5, to: 'app-1' }],
  answers: [answered(300, { ran: 1 }), answered(5_000, { isFinal: true })],
  effects: [effect(200)],
  told: [told(100, 'started'), told(290, 'completed')],
  written: [wrote(100, null, running(1)), wrote(280, running(1), completed(1))],
  hanging: [],
  excuse: () => undefined,
};

/** A run that lost its lease, and the one that took its key over. */
const TAKEN_OVER: Partial<KeyHistory> = {
  rules: { ...RIGHT.rules, mayRepeat: true },
  answers: [answered(5_000, { isFinal: true, receipt: of(2) })],
  effects: [effect(200, 1), effect(1_600, 2)],
  told: [told(100, 'started', 1), told(1_500, 'started', 2), told(1_700, 'completed', 2)],
  written: [
    wrote(100, null, running(1)),
    wrote(1_500, running(1), running(2, 2_500)),
    wrote(1_700, running(2, 2_500), completed(2)),
  ],
};

const DOUBT: Partial<KeyHistory> = {
  answers: [answered(5_000, { isFinal: true, error: 'IDEMPOTENCY_IN_DOUBT' })],
  told: [told(100, 'started')],
  written: [wrote(100, null, running(1)), wrote(1_200, running(1), inDoubt(1))],
};

const IN_A_TRANSACTION = { rules: { ...RIGHT.rules, isTransaction: true } };

it.each<[name: string, change: Partial<KeyHistory>]>([
  ['one run and its replay', {}],
  ['a takeover of a lapsed run, where the policy lets a crash run again', TAKEN_OVER],
  [
    'two effects in two lives',
    {
      effects: [effect(200, 1), effect(9_600, 2)],
      answers: [answered(300), answered(9_900, { isFinal: true, receipt: of(2) })],
      written: [
        ...RIGHT.written,
        wrote(9_100, completed(1), null),
        wrote(9_500, null, { ...running(2, 12_000), life: 2 }),
        wrote(9_700, { ...running(2, 12_000), life: 2 }, { ...completed(2), life: 2 }),
      ],
    },
  ],
  ['a doubt that something explains', { ...DOUBT, excuse: () => 'app killed' }],
  [
    'KEY_REUSED beside another input',
    {
      sent: [...RIGHT.sent, { at: 50, amount: 7, to: 'app-2' }],
      answers: [
        ...RIGHT.answers,
        answered(6_000, { amount: 7, isFinal: true, error: 'IDEMPOTENCY_KEY_REUSED' }),
      ],
    },
  ],
  [
    'an effect after the key was lost, within the time for which a clock that was set excuses it',
    {
      ...TAKEN_OVER,
      rules: { mayRepeat: true, isTransaction: false, graceMs: 1_000 },
      effects: [effect(1_550, 1), effect(1_600, 2)],
    },
  ],
  ['a transaction with its effect', IN_A_TRANSACTION],
])('accepts %s', (_, change) => {
  expect(violations([{ ...RIGHT, ...change }])).toEqual([]);
});

const WRONG: readonly (readonly [promise: string, name: string, change: Partial<KeyHistory>])[] = [
  [
    'an answer is forgotten once its key has a new life',
    'a replay of the first life, asked for in the second one',
    {
      answers: [
        answered(9_900, { askedAt: 9_800 }),
        answered(9_950, { isFinal: true, receipt: of(2), askedAt: 9_900 }),
      ],
      effects: [effect(200, 1), effect(9_600, 2)],
      written: [
        ...RIGHT.written,
        wrote(9_100, completed(1), null),
        wrote(9_500, null, { ...running(2, 12_000), life: 2 }),
        wrote(9_700, { ...running(2, 12_000), life: 2 }, { ...completed(2), life: 2 }),
      ],
    },
  ],
  [
    'no run without a record',
    'an effect of a token that no record had',
    {
      effects: [effect(200), effect(250, 7)],
    },
  ],
  [
    'no run without a record',
    'an effect of a claim that was rolled back',
    {
      effects: [effect(200)],
      written: [],
      answers: [answered(5_000, { isFinal: true, ran: 1 })],
      told: [],
    },
  ],
  [
    'a crash never silently runs an effect again',
    'two effects in one life',
    {
      ...TAKEN_OVER,
      rules: RIGHT.rules,
    },
  ],
  [
    'at most one run within a lease',
    'a takeover before the lease has lapsed',
    {
      ...TAKEN_OVER,
      written: [
        wrote(100, null, running(1)),
        wrote(900, running(1), running(2, 2_500)),
        wrote(1_700, running(2, 2_500), completed(2)),
      ],
    },
  ],
  [
    'at most one run within a lease',
    'an effect of a run whose key is another run’s',
    {
      ...TAKEN_OVER,
      effects: [effect(1_550, 1), effect(1_600, 2)],
    },
  ],
  [
    'a stored answer stays until it expires',
    'another answer in a completed record',
    {
      written: [...RIGHT.written, wrote(400, completed(1), completed(1, { response: { body: 'other' } }))],
    },
  ],
  [
    'a stored answer stays until it expires',
    'a completed record that is removed early',
    {
      written: [...RIGHT.written, wrote(400, completed(1), null)],
    },
  ],
  [
    'a stored answer stays until it expires',
    'a completed record that begins another life early',
    {
      written: [...RIGHT.written, wrote(400, completed(1), { ...running(2), life: 2 })],
    },
  ],
  [
    'a stored answer stays until it expires',
    'a completed record that runs again',
    {
      written: [...RIGHT.written, wrote(400, completed(1), running(1))],
    },
  ],
  [
    'a record that runs is not forgotten',
    'a running record that is removed',
    {
      written: [...RIGHT.written, wrote(400, running(1), null)],
    },
  ],
  [
    'an acknowledged completion is what every later answer gives',
    'a completion that no majority had',
    {
      written: [wrote(100, null, running(1))],
    },
  ],
  [
    'an acknowledged completion is what every later answer gives',
    'a replay of what is not stored',
    {
      ...TAKEN_OVER,
      answers: [answered(1_800, { receipt: of(1) }), answered(5_000, { isFinal: true, receipt: of(2) })],
    },
  ],
  [
    'every retry gets the same answer',
    'two answers in one life',
    {
      ...TAKEN_OVER,
      answers: [answered(1_800, { receipt: of(1) }), answered(5_000, { isFinal: true, receipt: of(2) })],
    },
  ],
  [
    'every retry gets the same answer',
    'the same receipt in another text',
    {
      answers: [answered(300, { ran: 1, text: 'one' }), answered(5_000, { isFinal: true, text: 'another' })],
    },
  ],
  [
    'the newer result stands',
    'the result of a run that was superseded',
    {
      ...TAKEN_OVER,
      told: [...(TAKEN_OVER.told ?? []), told(1_800, 'result_not_recorded', 1, 'completed')],
      answers: [answered(1_801, { ran: 1 }), answered(5_000, { isFinal: true, receipt: of(2) })],
    },
  ],
  [
    'a key is for one scope and one input',
    'the answer of another scope',
    {
      answers: [...RIGHT.answers, answered(400, { receipt: { ...RECEIPT, scope: 'bob' } })],
    },
  ],
  [
    'a key is for one scope and one input',
    'the answer of another input',
    {
      answers: [...RIGHT.answers, answered(400, { amount: 7 })],
    },
  ],
  [
    'KEY_REUSED is said only where another input used the key',
    'KEY_REUSED for the only input',
    {
      answers: [...RIGHT.answers, answered(400, { error: 'IDEMPOTENCY_KEY_REUSED' })],
    },
  ],
  ['no call hangs', 'a call that never ended', { hanging: RIGHT.sent }],
  ['no key is stuck', 'a key that nobody asked for at the end', { answers: [answered(300)] }],
  [
    'no key is stuck',
    'a key that is in progress long after the last fault',
    {
      answers: [answered(5_000, { isFinal: true, error: 'IDEMPOTENCY_IN_PROGRESS' })],
    },
  ],
  ['no false doubt', 'a doubt that nothing explains', DOUBT],
  [
    'effect and answer of a transaction are one commit',
    'an effect without its answer',
    {
      ...IN_A_TRANSACTION,
      ...DOUBT,
      excuse: () => 'app killed',
    },
  ],
  [
    'effect and answer of a transaction are one commit',
    'an answer without its effect',
    {
      ...IN_A_TRANSACTION,
      effects: [],
    },
  ],
  [
    'effect and answer of a transaction are one commit',
    'the effect of one attempt, and the answer of another one',
    {
      ...IN_A_TRANSACTION,
      effects: [{ ...effect(200), attempt: 2 }],
    },
  ],
  [
    'effect and answer of a transaction are one commit',
    'an answer that only its caller got',
    {
      ...IN_A_TRANSACTION,
      answers: [answered(300, { ran: 2, receipt: of(2) }), answered(5_000, { isFinal: true })],
    },
  ],
  [
    'a transaction leaves no doubt',
    'a doubt after a crash',
    {
      ...IN_A_TRANSACTION,
      ...DOUBT,
      effects: [],
      excuse: () => 'app killed',
    },
  ],
];

describe.each(WRONG)('%s', (promise, name, change) => {
  it(`is broken by ${name}, and the history of the key shows it`, () => {
    const found = violations([RIGHT, { ...RIGHT, ...change, key: 'k' }]);
    expect(found.map((violation) => violation.promise)).toContain(promise);
    const [violation] = found.filter((one) => one.promise === promise);
    expect(violation?.detail).toContain('alice/k');
    expect(showHistory(violation?.history as KeyHistory)).toContain('Key alice/k');
  });
});

it('each promise has a history that breaks it', () => {
  expect(new Set(WRONG.map(([promise]) => promise))).toEqual(new Set(CHECKS.map(([promise]) => promise)));
});

it('the history of a key is told in the order of its times', () => {
  expect(
    showHistory({ ...RIGHT, ...TAKEN_OVER })
      .split('\n')
      .slice(1),
  ).toEqual([
    '       0 ms  client: sends amount 5 to app-1',
    '     100 ms  app-1: started fence 1',
    '     100 ms  record: nothing becomes running (fence 1, lease until 00:00:01.000Z, expires 00:00:09.000Z)',
    '     200 ms  app-1: EFFECT of fence 1',
    '    1500 ms  app-1: started fence 2',
    '    1500 ms  record: running (fence 1, lease until 00:00:01.000Z, expires 00:00:09.000Z) becomes running (fence 2, lease until 00:00:02.500Z, expires 00:00:09.000Z)',
    '    1600 ms  app-1: EFFECT of fence 2',
    '    1700 ms  app-1: completed fence 2',
    '    1700 ms  record: running (fence 2, lease until 00:00:02.500Z, expires 00:00:09.000Z) becomes completed (fence 2, expires 00:00:09.000Z)',
    '    5000 ms  client: amount 5 gets the answer of fence 2 (replayed) from app-1, after all faults',
  ]);
});
