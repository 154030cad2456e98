import { isThenable } from './what-came.ts';

/** A `MaybePromise` is what a function gives that may be async: its value, or a promise of it. */
export type MaybePromise<T> = T | Promise<T>;

/**
 * Tells whether a value has to be awaited. One that is there is used at once, for an `await` of it makes two promises: each costs about a
 * microsecond in Node.js 20, which follows every promise of the process once there is an `AsyncLocalStorage`.
 */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return isThenable(value);
}

/** Goes on with a value: at once where it is there. @throws what `next` throws, where the value is there */
export function andThen<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  // A promise of another implementation may have a `then` that takes no second function.
  return isPromise(value) ? Promise.resolve(value).then(next) : next(value);
}

/** Asks about one item after the other, and waits where an answer is a promise. Where none is, all are there at once. */
export function inTurn<T, U>(items: readonly T[], ask: (item: T) => MaybePromise<U>): MaybePromise<U[]> {
  const answers: U[] = [];
  for (const [index, item] of items.entries()) {
    const answer = ask(item);
    if (isPromise(answer)) return goOn(answers, answer, items.slice(index + 1), ask);
    answers.push(answer);
  }
  return answers;
}

async function goOn<T, U>(
  answers: U[],
  next: Promise<U>,
  items: readonly T[],
  ask: (item: T) => MaybePromise<U>,
): Promise<U[]> {
  answers.push(await next);
  for (const item of items) answers.push(await ask(item));
  return answers;
}
