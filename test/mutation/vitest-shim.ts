import { createRequire } from 'node:module';

/**
 * This stands for `vitest` in the bundle of tests that a worker plays: it notes the tests instead of running them, so that one process
 * plays them for a thousand mutants. It has what the tests of the rules use, and no more.
 */
export interface NotedTest {
  readonly name: string;
  readonly suites: readonly Suite[];
  run(): unknown;
}
export interface Suite {
  readonly beforeAll: (() => unknown)[];
}
type Fn = (...args: never[]) => unknown;

export const tests: NotedTest[] = [];
let names: readonly string[] = [];
let suites: readonly Suite[] = [{ beforeAll: [] }];

function noteSuite(name: string, body: Fn): void {
  const outer = [names, suites] as const;
  [names, suites] = [
    [...names, name],
    [...suites, { beforeAll: [] }],
  ];
  body();
  [names, suites] = outer;
}

function noteTest(name: string, ...given: unknown[]): void {
  const run = given.find((one) => typeof one === 'function') as () => unknown;
  tests.push({ name: [...names, name].join(' '), suites, run });
}

const eachOf =
  (note: (name: string, body: Fn) => void) =>
  (rows: readonly unknown[]) =>
  (name: string, ...given: unknown[]) => {
    const body = given.find((one) => typeof one === 'function') as Fn;
    for (const [index, row] of rows.entries()) {
      const args = (Array.isArray(row) ? row : [row]) as never[];
      note(`${name} (${index})`, () => body(...args));
    }
  };

export const describe = Object.assign(noteSuite, { each: eachOf(noteSuite) });
const noted = { each: eachOf(noteTest) };
export const test = Object.assign(noteTest, noted);
export const it = Object.assign(noteTest, noted);
export const beforeAll = (body: () => unknown): void => void suites.at(-1)?.beforeAll.push(body);
export const afterAll = (_: () => unknown): void => {}; // the process ends soon, and holds nothing outside of itself
/** Types are the compiler's business: this answers whatever it is asked. */
export const expectTypeOf = (): unknown => new Proxy(() => {}, { get: expectTypeOf, apply: expectTypeOf });

// Vitest's own `expect` wants a worker of Vitest around it; its parts do not.
const require = createRequire(import.meta.resolve('vitest'));
const parts = await import(require.resolve('@vitest/expect'));
const chai = await import(createRequire(require.resolve('@vitest/expect')).resolve('chai'));
for (const part of [parts.JestExtend, parts.JestChaiExpect, parts.JestAsymmetricMatchers]) chai.use(part);
export const expect = Object.assign(
  (value: unknown, message?: string) => chai.expect(value, message),
  chai.expect,
);
