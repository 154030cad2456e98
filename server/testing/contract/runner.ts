import { format } from 'node:util';

type Body = () => void | Promise<void>;

/**
 * A `TestRunner` declares tests. `import * as runner from 'vitest'` is one, and so is `import * as runner from 'node:test'`; of Jest and
 * Mocha it is `{ describe, it, beforeAll, afterAll }` (or `before` and `after`), which they have as globals.
 *
 * @experimental
 */
export interface TestRunner {
  /** Groups tests under a name. */
  describe(name: string, body: () => void): unknown;
  /** Declares a test. */
  it(name: string, body: () => Promise<void>): unknown;
  /** What runs before the tests of a `describe`: this, or `before`. */
  readonly beforeAll?: (body: () => Promise<void>) => unknown;
  /** What runs before the tests of a `describe`, by node:test's name for it. */
  readonly before?: (body: () => Promise<void>) => unknown;
  /** What runs after the tests of a `describe`: this, or `after`. */
  readonly afterAll?: (body: () => Promise<void>) => unknown;
  /** What runs after them, by that runner's name for it. */
  readonly after?: (body: () => Promise<void>) => unknown;
}

/** `RowArgs` are the arguments of a test that is declared for each row of a table. */
type RowArgs<Row> = Row extends readonly unknown[] ? Row : [Row];

/** A `Suite` is a test runner with what the contract needs of it. */
export interface Suite {
  describe(name: string, body: () => void): void;
  readonly it: {
    (name: string, body: Body): void;
    each<Row>(rows: readonly Row[]): (title: string, body: (...args: RowArgs<Row>) => Promise<void>) => void;
  };
  beforeAll(body: () => Promise<void>): void;
  afterAll(body: () => Promise<void>): void;
}

/** @throws TypeError for what can not declare tests */
export function suiteOf(runner: TestRunner): Suite {
  const beforeAll = runner.beforeAll ?? runner.before;
  const afterAll = runner.afterAll ?? runner.after;
  if (
    !isFunction(runner.describe) ||
    !isFunction(runner.it) ||
    !isFunction(beforeAll) ||
    !isFunction(afterAll)
  ) {
    throw new TypeError(
      "Expected a test runner with `describe`, `it`, `beforeAll` (or `before`) and `afterAll` (or `after`): pass what `import * as runner from 'vitest'` or `from 'node:test'` gives",
    );
  }
  // Without the runner's own arguments: a body that took one would be called with a callback by some of them.
  const it = (name: string, body: Body) => void runner.it(name, async () => body());
  return {
    describe: (name, body) => void runner.describe(name, () => body()),
    it: Object.assign(it, { each: eachWith(it) }),
    beforeAll: (body) => void beforeAll(async () => body()),
    afterAll: (body) => void afterAll(async () => body()),
  };
}

const isFunction = (value: unknown) => typeof value === 'function';

const eachWith =
  (it: (name: string, body: Body) => void): Suite['it']['each'] =>
  (rows) =>
  (title, body) => {
    for (const row of rows) {
      const args = (Array.isArray(row) ? row : [row]) as RowArgs<typeof row>;
      const shown = args.slice(0, title.match(/%[sj]/g)?.length ?? 0);
      it(format(title, ...shown), () => body(...args));
    }
  };
