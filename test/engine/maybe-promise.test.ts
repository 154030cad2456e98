import { describe, expect, test } from 'vitest';
import { andThen, inTurn, isPromise } from '../../server/engine/maybe-promise.ts';

/** A promise of another implementation: its `then` takes one function. */
const foreign = (value: number) =>
  Object.fromEntries([
    ['then', (next: (value: number) => unknown) => next(value)],
  ]) as unknown as Promise<number>;

describe('a value that may be promised', () => {
  test.each([undefined, null, 0, '', 'text', {}, [], Object.fromEntries([['then', 1]]), () => {}])(
    'is there: %o',
    (value) => {
      expect(isPromise<unknown>(value)).toBe(false);
      expect(andThen<unknown, unknown>(value, (given) => [given])).toEqual([value]);
    },
  );

  test.each([Promise.resolve(2), foreign(2)])('is awaited: %o', async (promise) => {
    expect(isPromise(promise)).toBe(true);
    const doubled = andThen<number, number>(promise, (given) => given * 2);
    expect(doubled).toBeInstanceOf(Promise);
    expect(await doubled).toBe(4);
  });

  test('may be followed by a promise', async () => {
    expect(await andThen<number, number>(1, async (given) => given + 1)).toBe(2);
    expect(await andThen<number, number>(Promise.resolve(1), async (given) => given + 1)).toBe(2);
  });

  test('fails at once, or as a promise', async () => {
    const fail = () => {
      throw new Error('no');
    };
    expect(() => andThen(1, fail)).toThrow('no');
    await expect(andThen(Promise.resolve(1), fail)).rejects.toThrow('no');
    await expect(andThen(Promise.reject(new Error('not there')), fail)).rejects.toThrow('not there');
  });
});

describe('items that are asked about in turn', () => {
  test('give their answers at once, where all are there', () => {
    expect(inTurn([1, 2, 3], (item) => item * 2)).toEqual([2, 4, 6]);
    expect(inTurn([], () => expect.unreachable())).toEqual([]);
  });

  test.each([0, 1, 2])('wait for the answer of item %i, and for no other one before it', async (late) => {
    const asked: number[] = [];
    let answer: (value: number) => void = () => {};
    const answers = inTurn([0, 1, 2], (item) => {
      asked.push(item);
      return item === late ? new Promise<number>((resolve) => (answer = resolve)) : item * 2;
    });
    expect(answers).toBeInstanceOf(Promise);
    expect(asked).toEqual([0, 1, 2].slice(0, late + 1));
    answer(late * 2);
    expect(await answers).toEqual([0, 2, 4]);
    expect(asked).toEqual([0, 1, 2]);
  });

  test('are not asked about after one that fails', async () => {
    const asked: number[] = [];
    const ask = (failing: Promise<number>) => (item: number) => {
      asked.push(item);
      return item === 1 ? failing : item;
    };
    await expect(inTurn([0, 1, 2], ask(Promise.reject(new Error('no'))))).rejects.toThrow('no');
    expect(asked).toEqual([0, 1]);
  });
});
