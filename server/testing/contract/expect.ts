import { AssertionError, deepStrictEqual, notStrictEqual, ok, strictEqual } from 'node:assert/strict';

/** Stands for any value of a class in what is expected. */
class Any {
  readonly #of: AnyClass;

  constructor(of: AnyClass) {
    this.#of = of;
  }

  matches(value: unknown): boolean {
    if (this.#of === Number) return typeof value === 'number';
    if (this.#of === String) return typeof value === 'string';
    return value instanceof this.#of;
  }
}

type AnyClass = new (...args: never[]) => object;

interface Rejection {
  toMatchObject(expected: object): Promise<void>;
  /** @param text what the message of the error holds */
  toThrow(text: string): Promise<void>;
}

/**
 * Says what a value has to be, by `node:assert`: the contract runs under any test runner. The methods are those that Jest and Vitest
 * have, and are as strict or stricter.
 */
export function expect(actual: unknown) {
  return {
    toBe: (expected: unknown) => strictEqual(actual, expected),
    toBeNull: () => strictEqual(actual, null),
    toBeInstanceOf: (expected: AnyClass) => ok(actual instanceof expected, `Expected ${expected.name}`),
    toBeGreaterThanOrEqual: (least: number) =>
      ok(typeof actual === 'number' && actual >= least, `Expected at least ${least}, got ${actual}`),
    toHaveLength: (length: number) => strictEqual((actual as { length: number }).length, length),
    toHaveProperty: (name: string, value: unknown) => equals((actual as Fields)[name], value),
    toEqual: (expected: unknown) => equals(actual, expected),
    toMatchObject: (expected: object | null) => matches(actual, expected),
    not: {
      toBe: (expected: unknown) => notStrictEqual(actual, expected),
      toHaveProperty: (name: string) => ok(!(name in (actual as object)), `Expected no field \`${name}\``),
    },
    get rejects(): Rejection {
      const rejection = rejectionOf(actual);
      return {
        toMatchObject: async (expected) => matches(await rejection, expected),
        toThrow: async (text) => {
          const { message } = (await rejection) as Error;
          ok(message.includes(text), `Expected an error with "${text}", got "${message}"`);
        },
      };
    },
  };
}

/** Makes what is equal to any value of a class. */
expect.any = (of: AnyClass): unknown => new Any(of);

type Fields = Record<string, unknown>;

function equals(actual: unknown, expected: unknown): void {
  deepStrictEqual(actual, filledIn(expected, actual));
}

function matches(actual: unknown, expected: unknown): void {
  const filled = filledIn(expected, actual);
  deepStrictEqual(cutTo(filled, actual), filled);
}

/** Puts the actual value in the place of each `Any` that it matches, so that a difference shows all the rest. */
function filledIn(expected: unknown, actual: unknown): unknown {
  if (expected instanceof Any) return expected.matches(actual) ? actual : expected;
  if (Array.isArray(expected) && Array.isArray(actual))
    return expected.map((item, at) => filledIn(item, actual[at]));
  if (!isPlain(expected) || !isFields(actual)) return expected;
  return Object.fromEntries(
    Object.entries(expected).map(([name, value]) => [name, filledIn(value, actual[name])]),
  );
}

/** Leaves those fields of the actual value, at any depth, that the expected one has. */
function cutTo(expected: unknown, actual: unknown): unknown {
  if (expected === actual) return actual;
  if (Array.isArray(expected) && Array.isArray(actual))
    return actual.map((item, at) => (at < expected.length ? cutTo(expected[at], item) : item));
  if (!isPlain(expected) || !isFields(actual)) return actual;
  const names = Object.keys(expected).filter((name) => name in actual);
  return Object.fromEntries(names.map((name) => [name, cutTo(expected[name], actual[name])]));
}

function isPlain(value: unknown): value is Fields {
  return isFields(value) && Object.getPrototypeOf(value) === Object.prototype;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

async function rejectionOf(promise: unknown): Promise<unknown> {
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  throw new AssertionError({ message: 'Expected a rejection', actual: value });
}
