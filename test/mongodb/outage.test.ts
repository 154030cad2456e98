import { describe, expect, it } from 'vitest';
import { Silence } from '../../server/mongodb/silence.ts';
import { completed, freshClaim } from '../../server/testing/contract/requests.ts';
import { failCommand } from '../support/fail-command.ts';
import { until } from '../support/until.ts';
import { openBehindProxy } from './open-behind-proxy.ts';
import type { OpenedStore } from './open-store.ts';

const DEADLINE_MS = 5_000;
const TRIED = 48;
const IMPATIENT = { timeoutMs: 1_000 };
/** Each waits for deadlines of its own. */
const ASIDE = { concurrent: true };

describe('the store counts as away', () => {
  type Happening = ['sent' | 'answer', at: number];
  it.each<[is: boolean, what: string, happenings: Happening[], at: number]>([
    [false, 'nobody has asked it anything', [], 60_000],
    [false, 'an election is a millisecond shorter than the deadline', [['sent', 0]], 4_999],
    [
      true,
      'it has answered nothing for a whole deadline',
      [
        ['sent', 0],
        ['sent', 1_000],
      ],
      5_000,
    ],
    [
      false,
      'it has answered',
      [
        ['sent', 0],
        ['answer', 4_000],
      ],
      5_000,
    ],
    [
      false,
      'it has answered, and was asked again since',
      [
        ['sent', 0],
        ['answer', 4_000],
        ['sent', 4_000],
      ],
      8_999,
    ],
    [
      true,
      'it has answered, and then nothing for a whole deadline',
      [
        ['sent', 0],
        ['answer', 4_000],
        ['sent', 4_000],
        ['sent', 5_000],
      ],
      9_000,
    ],
    [
      true,
      'it is asked again and again',
      [
        ['sent', 0],
        ['sent', 4_000],
        ['sent', 8_000],
      ],
      12_999,
    ],
    [
      false,
      'nobody has asked for a whole deadline: perhaps it is back',
      [
        ['sent', 0],
        ['sent', 4_000],
      ],
      9_000,
    ],
    [
      false,
      'it was silent long ago, and is asked again',
      [
        ['sent', 0],
        ['sent', 60_000],
      ],
      60_000,
    ],
  ])('%s: %s', (is, _, happenings, at) => {
    const silence = new Silence(DEADLINE_MS);
    for (const [what, sentAt] of happenings) what === 'sent' ? silence.onSent(sentAt) : silence.onAnswer();
    expect(silence.isAway(at)).toBe(is);
  });
});

/** Waits in vain, twice: by then the store has been silent for more than a deadline, and was asked a moment ago. */
async function findAway({ store }: OpenedStore) {
  for (let calls = 0; calls < 2; calls++) await expect(store.claim(freshClaim())).rejects.toThrow();
}

/** Some calls at once, of which each notes how it has ended. */
function callsOf(count: number, call: () => Promise<unknown>) {
  const ends: unknown[] = [];
  const all = Array.from({ length: count }, () =>
    call().then(
      () => ends.push('answered'),
      (error) => ends.push(error),
    ),
  );
  return { ends, ended: Promise.all(all) };
}

const turns = async (count: number) => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

/** More calls at once than are tried, again and again until the store counts as away. */
async function callsTooMany(call: () => Promise<unknown>) {
  for (;;) {
    const calls = callsOf(TRIED + 10, call);
    await turns(2);
    if (calls.ends.length > 0) return calls;
    await calls.ended;
  }
}

describe.each(['hang', 'refuse'] as const)('in an outage that lasts (connections %s)', ASIDE, (mode) => {
  it.each([
    ['claims', ({ store }: OpenedStore) => store.claim(freshClaim())],
    ['questions about a key', ({ store }: OpenedStore) => store.read({ scope: 's', key: 'k' }, 'head')],
  ])(
    'as many %s as can find the way back are tried, and those beyond are refused at once',
    async (_, call) => {
      await using opened = await openBehindProxy(IMPATIENT);
      opened.proxy.mode = mode;
      await findAway(opened);
      const { ends, ended } = callsOf(TRIED + 10, () => call(opened));
      await turns(2);
      expect(ends).toHaveLength(10);
      for (const error of ends)
        expect(error).toMatchObject({
          code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
          reason: expect.stringMatching(/^(timeout|unreachable)$/),
          retryable: true,
          retryAfterMs: 1_000,
          cause: expect.any(Error),
        });
      opened.proxy.mode = 'pass';
      await ended;
      await until(async () => expect(await opened.win()).toMatchObject({ attempts: 1 }));
    },
  );

  it('callers that try again at once let the event loop turn, and are answered when it is over', async () => {
    await using opened = await openBehindProxy(IMPATIENT);
    opened.proxy.mode = mode;
    await findAway(opened);
    const callers = TRIED + 20;
    let refused = 0;
    let turned = 0;
    const turn = () => {
      if (refused >= 1_000) {
        opened.proxy.mode = 'pass';
        return;
      }
      turned++;
      setImmediate(turn);
    };
    setImmediate(turn);
    const callUntilAnswered = async () => {
      for (;;) {
        const answer = await opened.store.claim(freshClaim()).catch(() => refused++);
        if (typeof answer === 'object') return answer.won;
      }
    };
    const won = await Promise.all(Array.from({ length: callers }, callUntilAnswered));
    expect(won).toEqual(Array(callers).fill(true));
    expect(turned).toBeGreaterThanOrEqual(Math.floor(1_000 / callers));
  });
});

it('what a run that has started ends with is sent all the same', async () => {
  await using opened = await openBehindProxy(IMPATIENT);
  const { store, proxy } = opened;
  const held = await opened.win();
  proxy.mode = 'hang';
  await callsTooMany(() => store.claim(freshClaim()));
  const { ends } = callsOf(1, () => store.settle(held, completed));
  await turns(2);
  expect(ends).toEqual([]);
  proxy.mode = 'pass';
  await until(async () => expect(await store.settle(held, completed)).toEqual({ applied: true }));
});

it('an answer that refuses a command ends it, too', async () => {
  const appName = 'refused in an outage';
  await using opened = await openBehindProxy({ ...IMPATIENT, client: { appName } });
  const { store, proxy } = opened;
  await using _ = await failCommand(opened.database.client, {
    failCommands: ['update', 'insert'],
    appName,
    errorCode: 13,
  });
  proxy.mode = 'hang';
  await findAway(opened);
  proxy.mode = 'pass';
  await until(() => expect(store.claim(freshClaim())).rejects.toMatchObject({ reason: 'misconfigured' }));
  const { ends, ended } = callsOf(TRIED + 10, () => store.claim(freshClaim()));
  await ended;
  expect(ends).toEqual(Array(TRIED + 10).fill(expect.objectContaining({ reason: 'misconfigured' })));
});
