import type { Document } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { Silence } from '../../server/mongodb/silence.ts';
import { completed, freshClaim } from '../../server/testing/contract/requests.ts';
import { mongoPort } from '../support/database.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { openStore } from './open-store.ts';

const DEADLINE_MS = 5_000;

type Happening = ['sent' | 'answer' | 'lost' | 'forget', at: number];

/** What has happened by then, and the time at which it is asked. */
function silenceAfter(happenings: readonly Happening[]): Silence {
  const silence = new Silence(DEADLINE_MS);
  for (const [what, at] of happenings) {
    if (what === 'sent') silence.onSent(at);
    else if (what === 'answer') silence.onAnswer(at);
    else if (what === 'lost') silence.onLost();
    else silence.forget();
  }
  return silence;
}

describe('the store counts as away', () => {
  it.each<[is: boolean, what: string, happenings: Happening[], at: number]>([
    [false, 'nobody has asked it anything', [], 60_000],
    [false, 'an election has lasted a millisecond less than the deadline', [['sent', 0]], 4_999],
    [true, 'it has answered nothing for a whole deadline', [['sent', 0]], 5_000],
    [
      true,
      'connections were lost meanwhile, and others followed',
      [
        ['sent', 0],
        ['lost', 10],
        ['sent', 20],
        ['lost', 30],
      ],
      5_000,
    ],
    [
      true,
      'it was lost, and nobody has asked since',
      [
        ['sent', 0],
        ['lost', 10],
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
      60_000,
    ],
    [
      false,
      'it has answered one of two',
      [
        ['sent', 0],
        ['sent', 0],
        ['answer', 4_000],
      ],
      8_999,
    ],
    [
      true,
      'it has answered one of two, and then nothing for a whole deadline',
      [
        ['sent', 0],
        ['sent', 0],
        ['answer', 4_000],
      ],
      9_000,
    ],
    [
      false,
      'it answers again',
      [
        ['sent', 0],
        ['sent', 6_000],
        ['answer', 6_001],
      ],
      6_001,
    ],
    [
      false,
      'the host has closed its client',
      [
        ['sent', 0],
        ['lost', 0],
        ['forget', 0],
      ],
      60_000,
    ],
  ])('%s: %s', (is, _, happenings, at) => {
    expect(silenceAfter(happenings).isAway(at)).toBe(is);
  });
});

describe('a probe is due', () => {
  it.each<[due: number | undefined, what: string, silence: Silence, at: number]>([
    [undefined, 'never, while nothing is open', silenceAfter([]), 0],
    [1_000, 'a second after a command that was not answered', silenceAfter([['sent', 0]]), 0],
    [0, 'then', silenceAfter([['sent', 0]]), 1_000],
    [
      undefined,
      'no more, once there was an answer',
      silenceAfter([
        ['sent', 0],
        ['answer', 900],
      ]),
      1_000,
    ],
  ])('in %s ms: %s', (due, _, silence, at) => {
    expect(silence.probeIn(at)).toBe(due);
  });

  it('once a second', () => {
    const silence = silenceAfter([['sent', 0]]);
    silence.onProbe(1_000);
    expect(silence.probeIn(1_000)).toBe(1_000);
    expect(silence.probeIn(1_400)).toBe(600);
  });

  it('twice within a deadline that is shorter than two seconds: one that finds the store prevents a false alarm', () => {
    const silence = new Silence(100);
    silence.onSent(0);
    expect(silence.probeIn(0)).toBe(50);
  });
});

/** What has come of it once the promises that are settled by now have told. */
const atOnce = (work: Promise<unknown>) =>
  Promise.race([
    work.then(
      () => 'done',
      (error) => error,
    ),
    new Promise((resolve) => setImmediate(() => resolve('still waiting'))),
  ]);

const isProbe = ({ find, filter }: Document) => find && filter.scope === '' && filter.key === '';

describe.each(['hang', 'refuse'] as const)('in an outage that lasts (connections %s)', (mode) => {
  it('new calls are refused at once, and probes alone find the way back', async () => {
    await using proxy = await startProxy(mongoPort());
    await using opened = await openStore({ uri: proxy.uri, timeoutMs: 1_000 });
    const { store, sent } = opened;
    const { scope, key } = await opened.win();
    const read = () => store.read({ scope, key }, 'head');
    proxy.mode = mode;
    // The first one waits for its deadline, and leaves nothing behind that would try again.
    await expect(read()).rejects.toMatchObject({ code: 'IDEMPOTENCY_STORE_UNAVAILABLE' });

    sent.length = 0;
    for (const call of [read, () => store.claim(freshClaim()), () => store.ready()])
      expect(await atOnce(call())).toMatchObject({
        code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
        reason: expect.stringMatching(/^(timeout|unreachable)$/),
        retryable: true,
        retryAfterMs: 1_000,
        cause: expect.any(Error),
      });
    expect(sent.filter((command) => !isProbe(command))).toEqual([]);

    proxy.mode = 'pass';
    await until(async () => expect(await opened.win()).toMatchObject({ attempts: 1 }));
  });

  it('what a run that has started ends with is sent all the same', async () => {
    await using proxy = await startProxy(mongoPort());
    await using opened = await openStore({ uri: proxy.uri, timeoutMs: 1_000 });
    const held = await opened.win();
    proxy.mode = mode;
    await expect(opened.store.claim(freshClaim())).rejects.toThrow();
    const settled = opened.store.settle(held, completed);
    expect(await atOnce(settled)).toBe('still waiting');
    proxy.mode = 'pass';
    await settled.catch(() => {});
    await until(async () => expect(await opened.store.settle(held, completed)).toEqual({ applied: true }));
  });
});

it('a key that somebody has locked is no outage: other keys are claimed', async () => {
  await using opened = await openStore({ timeoutMs: 1_000 });
  const held = await opened.win();
  const records = opened.database.db.collection('idempotency_keys');
  await opened.database.client.withSession(async (session) => {
    session.startTransaction();
    await records.updateOne({ key: held.key }, { $set: { note: 1 } }, { session });
    await expect(opened.store.settle(held, completed)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_STORE_UNAVAILABLE',
    });
    expect(await opened.win()).toMatchObject({ attempts: 1 });
    await session.abortTransaction();
  });
});
