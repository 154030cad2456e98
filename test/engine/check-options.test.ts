import { describe, expect, test } from 'vitest';
import { checkOptions } from '../../server/engine/check-options.ts';
import { aFunction, anything, type Check, required } from '../../server/engine/option-checks.ts';

const KNOWN = ['keys', 'scope', 'retentionMs', 'attempts', 'via', 'ab'];
const ELSEWHERE = { waitTimeoutMs: 'createIdempotency(...)', fields: 'useIdempotency(...)' };

function messageOf(name: string, known: readonly string[] = KNOWN): string {
  const checks: Record<string, Check> = Object.fromEntries(known.map((each) => [each, anything]));
  try {
    checkOptions({ [name]: 1 }, checks, { of: 'pay', elsewhere: ELSEWHERE });
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return (error as Error).message;
  }
  return 'taken';
}

describe('the message of an unknown option', () => {
  test.each([
    ['a letter is wrong', 'kxys', 'keys'],
    ['a letter is missing', 'kes', 'keys'],
    ['a letter is too many', 'vias', 'via'],
    ['two letters changed places', 'rteentionMs', 'retentionMs'],
    ['up to a third of the letters are wrong', 'rexenxixnMs', 'retentionMs'],
    ['the case is wrong', 'KEYS', 'keys'],
    ['it begins alike', 'attemptsOfOneKey', 'attempts'],
    ['it ends with the name', 'ownerAndScope', 'scope'],
    ['it is the end of the name', 'tionMs', 'retentionMs'],
  ])('suggests the one that was meant, where %s: %s', (_, name, meant) => {
    expect(messageOf(name)).toBe(`Unknown option \`${name}\` of pay(...); did you mean \`${meant}\`?`);
  });

  test.each([
    ['kays', ['keyed', 'keys'], 'keys'],
    ['kays', ['keys', 'keyed'], 'keys'],
    ['retrys', ['retries', 'retry'], 'retry'],
  ])('suggests the nearest: instead of %s of %j it is %s', (name, known, meant) => {
    expect(messageOf(name, known)).toMatch(`did you mean \`${meant}\`?`);
  });

  test.each([
    ['with two wrong letters of three', 'axc'],
    ['with two letters, by which one begins', 're'],
    ['with two letters, by which one ends', 'ms'],
    ['with nothing alike', 'xyzzy'],
  ])('lists what there is for a name %s', (_, name) => {
    expect(messageOf(name)).toBe(
      `Unknown option \`${name}\` of pay(...); expected one of keys, scope, retentionMs, attempts, via, ab`,
    );
  });

  test('says so where there are none', () => {
    expect(messageOf('xyzzy', [])).toBe('Unknown option `xyzzy` of pay(...); it has none');
  });

  test.each([
    ['fields', ': it is an option of useIdempotency(...)'],
    ['waitTimeout', '; did you mean `waitTimeoutMs`? It is an option of createIdempotency(...)'],
  ])('names the place of one that belongs elsewhere: %s', (name, end) => {
    expect(messageOf(name)).toBe(`Unknown option \`${name}\` of pay(...)${end}`);
  });
});

describe('options', () => {
  const checks = { log: required(aFunction, 'console.log'), onEvent: aFunction };

  test('that are known and right are taken; undefined is the same as left out', () => {
    expect(() => checkOptions({ log() {}, onEvent: undefined }, checks, { of: 'pay' })).not.toThrow();
  });

  test.each<[unknown, string | undefined, string]>([
    [undefined, undefined, 'Expected the options of pay(...) to be an object, got undefined'],
    [null, 'fields.pay', 'Expected `fields.pay` to be an object, got null'],
    [() => {}, 'fields.pay', 'Expected `fields.pay` to be an object, got a function'],
    [{}, undefined, 'Expected `log` to be a function, such as `console.log`, got undefined'],
    [
      { log: null },
      'fields.pay',
      'Expected `fields.pay.log` to be a function, such as `console.log`, got null',
    ],
    [{ log() {}, onEvent: 5 }, undefined, 'Expected `onEvent` to be a function, got 5'],
    [{ log() {}, onEvent: null }, undefined, 'Expected `onEvent` to be a function, got null'],
  ])('%o at %s are refused with what was expected', (options, at, message) => {
    const origin = { of: 'pay', ...(at !== undefined && { at }) };
    expect(() => checkOptions(options, checks, origin)).toThrow(new TypeError(message));
  });
});
