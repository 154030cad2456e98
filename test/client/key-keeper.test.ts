import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isMustConfirm } from '../../plugin/client/errors.ts';
import { KeyKeeper } from '../../plugin/client/key-keeper.ts';
import type { IdempotencyErrorCode } from '../../server/engine/error-codes.ts';
import { errorDataOf } from '../../server/engine/error-data.ts';
import { refusal } from '../../server/engine/errors.ts';
import { gate } from '../support/gate.ts';

const lost = new TypeError('fetch failed');
const declined = Object.assign(new Error('Declined'), { status: 402 });
const loggedOut = Object.assign(new Error('Log in again'), { status: 401 });

let keeper: KeyKeeper;
let sent: string[];
beforeEach(() => {
  keeper = new KeyKeeper();
  sent = [];
});

/** Sends an attempt that ends like this, and tells how it ended for the caller. */
function attempt(input: unknown, ending?: Error | Promise<unknown>): Promise<unknown> {
  const send = async (key: string) => {
    sent.push(key);
    if (ending instanceof Error) throw ending;
    return ending;
  };
  return keeper.run(input, send).catch((error: unknown) => error);
}

const differ = () => new Set(sent).size === sent.length;
const agree = () => new Set(sent).size === 1;

it('the same input has the same key until it succeeds', async () => {
  for (const ending of [lost, declined, lost, loggedOut, undefined]) await attempt({ amount: 5 }, ending);
  expect(sent).toHaveLength(5);
  expect(agree()).toBe(true);
});

it('after a success the same input is a new operation (case 13)', async () => {
  await attempt({ amount: 5 });
  await attempt({ amount: 5 });
  expect(differ()).toBe(true);
});

it('two clicks are one operation (case 13)', async () => {
  const answer = gate();
  const both = [attempt({ amount: 5 }, answer), attempt({ amount: 5 }, answer)];
  answer.open();
  await Promise.all(both);
  expect(sent).toHaveLength(2);
  expect(agree()).toBe(true);
});

it('after an answer a corrected input has a new key (case 13)', async () => {
  await attempt({ amount: 5 }, declined);
  await attempt({ amount: 6 });
  expect(differ()).toBe(true);
});

it('after no answer a changed input is a question to the user, and nothing is sent (case 13)', async () => {
  await attempt({ amount: 5 }, lost);
  const error = await attempt({ amount: 6 });
  expect(isMustConfirm(error) && error.key).toBe(sent[0]);
  expect(sent).toHaveLength(1);
  expect(keeper.state()).toEqual({ key: sent[0], unsettled: true, mustConfirm: true });
});

it('with the consent of the user a changed input has a new key (case 13)', async () => {
  await attempt({ amount: 5 }, lost);
  await attempt({ amount: 6 });
  void keeper.startOver();
  await attempt({ amount: 6 });
  expect(sent).toHaveLength(2);
  expect(differ()).toBe(true);
});

it('who takes the change back goes on with the first key, and the question is gone', async () => {
  await attempt({ amount: 5 }, lost);
  await attempt({ amount: 6 });
  await attempt({ amount: 5 }, declined);
  expect(agree()).toBe(true);
  expect(keeper.state()).toEqual({ key: sent[0], unsettled: false, mustConfirm: false });
});

it('while the first attempt is under way a changed input is a question too', async () => {
  const answer = gate();
  const first = attempt({ amount: 5 }, answer);
  expect(isMustConfirm(await attempt({ amount: 6 }))).toBe(true);
  answer.open();
  await first;
  expect(keeper.state()).toEqual({ key: undefined, unsettled: false, mustConfirm: false });
});

it('an attempt that was turned away says nothing of an earlier one without an answer', async () => {
  await attempt({ amount: 5 }, lost);
  await attempt({ amount: 5 }, loggedOut);
  expect(isMustConfirm(await attempt({ amount: 6 }))).toBe(true);
});

it('an attempt that was turned away leaves nothing open by itself', async () => {
  await attempt({ amount: 5 }, loggedOut);
  expect(keeper.state()).toMatchObject({ unsettled: false });
  await attempt({ amount: 6 });
  expect(differ()).toBe(true);
});

it("the server's answer to a retry settles an earlier attempt without one", async () => {
  await attempt({ amount: 5 }, lost);
  await attempt({ amount: 5 }, declined);
  await attempt({ amount: 6 });
  expect(sent[2]).not.toBe(sent[0]);
});

it('an answer that comes after the user started over does not end the new operation', async () => {
  const answer = gate();
  const first = attempt({ amount: 5 }, answer);
  await keeper.startOver();
  await attempt({ amount: 6 }, lost);
  answer.open();
  await first;
  await attempt({ amount: 6 });
  expect(sent[2]).toBe(sent[1]);
  expect(sent[1]).not.toBe(sent[0]);
});

it.each([
  'IDEMPOTENCY_IN_PROGRESS',
  'IDEMPOTENCY_IN_DOUBT',
  'IDEMPOTENCY_STORE_UNAVAILABLE',
  'INTERNAL_SERVER_ERROR',
])('GraphQL JSON with the error %s is no success: the next click has the same key', async (code) => {
  const json = { data: null, errors: [{ message: 'x', path: ['pay'], extensions: { code } }] };
  for (const result of [json, Response.json(json), json])
    expect(await attempt({ amount: 5 }, Promise.resolve(result))).toBe(result);
  expect(sent).toHaveLength(3);
  expect(agree()).toBe(true);
});

it('the caller can read the response that was looked into', async () => {
  const response = await attempt({ amount: 5 }, Promise.resolve(Response.json({ data: { pay: 1 } })));
  expect(await (response as Response).json()).toEqual({ data: { pay: 1 } });
});

it('an answer that breaks when it is looked into is given to the caller, and its key is kept', async () => {
  const broken = Object.defineProperty({}, 'errors', {
    get: () => {
      throw new Error('broken');
    },
  });
  for (const _ of [1, 2]) expect(await attempt({ amount: 5 }, Promise.resolve(broken))).toBe(broken);
  expect(agree()).toBe(true);
});

it('the caller gets what the attempt got', async () => {
  expect(await attempt(1, Promise.resolve('paid'))).toBe('paid');
  expect(await attempt(1, declined)).toBe(declined);
});

it('who watches sees an operation open and close', async () => {
  const seen: boolean[] = [];
  const stop = keeper.subscribe(() => seen.push(keeper.state().unsettled));
  await attempt({ amount: 5 });
  stop();
  await attempt({ amount: 5 });
  expect(seen).toEqual([true, false]);
});

describe('two inputs are the same', () => {
  afterEach(() => vi.unstubAllGlobals());
  const form = (amount: string) => {
    const data = new FormData();
    data.set('amount', amount);
    return data;
  };

  it.each<[string, unknown, unknown, boolean]>([
    ['whatever the order of their fields', { a: 1, b: { c: 1, d: 2 } }, { b: { d: 2, c: 1 }, a: 1 }, true],
    ['not by a nested value', { a: { b: [1, 2] } }, { a: { b: [1, 3] } }, false],
    ['not by the order of a list', [1, 2], [2, 1], false],
    ['not by the shape of a list', [[1], [2]], [[1, 2]], false],
    ['not by what is in a Map', new Map([['a', 1]]), new Map([['a', 2]]), false],
    ['not by what is in a Set', new Set([1]), new Set([2]), false],
    ['not by a big integer', 10n, 11n, false],
    ['not by a date', new Date(1), new Date(2), false],
    ['not by a field of a form', form('5'), form('6'), false],
    ['by the fields of a form', form('5'), form('5'), true],
    ['not by the size of a file', new Blob(['a']), new Blob(['ab']), false],
    ['where there is none', undefined, undefined, true],
    ['not by null', undefined, null, false],
    ['not by __proto__', JSON.parse('{"__proto__":1}'), JSON.parse('{"__proto__":2}'), false],
  ])('%s', async (_, first, second, same) => {
    await attempt(first, declined);
    await attempt(second, declined);
    expect(sent[0] === sent[1]).toBe(same);
  });
});

describe('a refusal says what becomes of the key:', () => {
  const refused = (code: IdempotencyErrorCode, reason?: string) =>
    Object.assign(new Error(code), { idempotency: errorDataOf(refusal(code, reason as never)) });

  it.each([
    ['IDEMPOTENCY_KEY_INVALID', 'format'],
    ['IDEMPOTENCY_KEY_MISSING', undefined],
  ] as const)('after %s, reason %s, the same input has a new key', async (code, reason) => {
    await attempt({ amount: 5 }, refused(code, reason));
    await attempt({ amount: 5 });
    expect(differ()).toBe(true);
  });

  it.each([
    ['IDEMPOTENCY_KEY_INVALID', 'batch'],
    ['IDEMPOTENCY_SCOPE_MISSING', undefined],
    ['IDEMPOTENCY_STORE_UNAVAILABLE', undefined],
    ['IDEMPOTENCY_IN_DOUBT', undefined],
    ['IDEMPOTENCY_RESULT_NOT_RETAINED', undefined],
  ] as const)('after %s, reason %s, the same input has the same key', async (code, reason) => {
    await attempt({ amount: 5 }, refused(code, reason));
    await attempt({ amount: 5 });
    expect(agree()).toBe(true);
  });

  it('an attempt without an answer came before: its key is kept, whatever is said of it later', async () => {
    await attempt({ amount: 5 }, lost);
    await attempt({ amount: 5 }, refused('IDEMPOTENCY_KEY_INVALID', 'format'));
    await attempt({ amount: 5 });
    expect(agree()).toBe(true);
  });

  it('the key was used for another request: a new one is a second operation, and needs the consent of the user', async () => {
    await attempt({ amount: 5 }, refused('IDEMPOTENCY_KEY_REUSED'));
    expect(isMustConfirm(await attempt({ amount: 6 }))).toBe(true);
    await keeper.startOver();
    await attempt({ amount: 6 });
    expect(differ()).toBe(true);
  });
});
