import { describe, expect, test } from 'vitest';
import { isSwitchedOn, yesOrNo } from '../../server/engine/yes-or-no.ts';

const call = () => ({ user: 'ada' });

describe('an answer', () => {
  test.each([true, false])('of %s counts', (answer) => {
    expect(yesOrNo('authorizeReplay', answer)).toBe(answer);
  });

  test.each<[unknown, string]>([
    [undefined, 'undefined'],
    [null, 'null'],
    [1, '1'],
    [0, '0'],
    ['yes', '"yes"'],
    [{}, 'an object'],
  ])('of %j is neither yes nor no', (answer, got) => {
    expect(() => yesOrNo('authorizeReplay', answer)).toThrow(
      new TypeError(`Expected \`authorizeReplay\` to return true or false, got ${got}`),
    );
  });
});

describe('a switch', () => {
  test.each([true, false])('that is %s needs no call', async (given) => {
    expect(await isSwitchedOn('require', given, () => expect.unreachable())).toBe(given);
  });

  test('that is a function decides by the call, at once or later', async () => {
    const isAdas = ({ user }: { user: string }) => user === 'ada';
    expect(await isSwitchedOn('require', isAdas, call)).toBe(true);
    expect(await isSwitchedOn('require', async (one) => !isAdas(one), call)).toBe(false);
  });

  test('that is a function has to say yes or no', async () => {
    const nobodys = (() => undefined) as never;
    const wrong = 'Expected `require` to return true or false, got undefined';
    expect(() => isSwitchedOn('require', nobodys, call)).toThrow(wrong);
    await expect(isSwitchedOn('require', (async () => undefined) as never, call)).rejects.toThrow(wrong);
  });
});
