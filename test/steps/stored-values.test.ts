import { expect, test, vi } from 'vitest';
import { createCipher, type IdempotencyOptions } from '../../server/index.ts';
import { handled, openEngine } from './engine.ts';

const SECRET = 'sk_live_4242';
const cipher = createCipher({ current: 'k1', keys: { k1: new Uint8Array(32).fill(7) } });

/** One step in each of two attempts, the first of which releases its key. */
async function stepTwice(options: Partial<IdempotencyOptions>) {
  const { call, record } = openEngine(options);
  const fn = vi.fn(async () => ({ apiKey: SECRET, id: 1 }));
  const answers: unknown[] = [];
  let afterFirst = '';
  for (const releases of [true, false]) {
    const attempt = handled(async (run) => {
      const value = await run.step('make', fn);
      if (releases) run.release('try again');
      return value.id;
    });
    answers.push((await call(attempt).catch((error) => error)).value);
    afterFirst ||= JSON.stringify(await record());
  }
  return { answers, afterFirst, runs: fn.mock.calls.length };
}

test('case 16: with a cipher the value of a step is stored encrypted, and read back by the next attempt', async () => {
  const { answers, afterFirst, runs } = await stepTwice({ cipher });
  expect(answers).toEqual([{ data: 1 }, { data: 1 }]);
  expect(runs).toBe(1);
  expect(afterFirst).toContain('"keyId":"k1"');
  expect(afterFirst).not.toContain(SECRET);
});

test.each<[string, NonNullable<IdempotencyOptions['redact']>]>([
  ['names', ['apiKey']],
  ['a function', () => undefined],
  ['a function that fails', () => Promise.reject(new Error('no policy'))],
])(
  'case 16: the value of a step is not redacted by %s: the next attempt goes on from it',
  async (_, redact) => {
    const { answers, afterFirst, runs } = await stepTwice({ redact });
    expect(answers).toEqual([{ data: 1 }, { data: 1 }]);
    expect(runs).toBe(1);
    expect(afterFirst).toContain(SECRET);
  },
);

test('a step whose value the cipher fails on is recorded without it, least of all in clear text', async () => {
  const broken = { ...cipher, encrypt: () => Promise.reject(new Error('no key')) };
  const { afterFirst, runs } = await stepTwice({ cipher: broken });
  expect(runs).toBe(1);
  expect(afterFirst).toContain('"unsealed"');
  expect(afterFirst).not.toContain(SECRET);
});
