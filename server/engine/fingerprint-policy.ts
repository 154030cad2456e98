import type { Excluded } from './excluded.ts';
import { pathProblem } from './paths.ts';

/**
 * A `FingerprintFunction` is shown the call object of its adapter, `Call`; in the options of `createIdempotency`, where the adapter is not
 * known, that is `unknown`: give such a function to an adapter's `policy`. It gives what two requests with the same key are compared by: anything that has a content to hash (JSON, Dates, Maps, big
 * integers, bytes), `null` included, but not `undefined`. It is asked before the key is used: when it fails nothing runs, and
 * the host gets its error.
 */
export type FingerprintFunction<Call = unknown> = (call: Call) => unknown;

/**
 * A policy says when two requests with one key are the same request; others are IDEMPOTENCY_KEY_REUSED.
 *
 * - `exclude`: all but what stands at these paths, which are `.`-separated names from the root of the input, `*` standing
 *   for each item of a list and each field of an object: `['input.captchaToken', 'clientClock', 'items.*.seenAt']`.
 * - A function: what it gives, instead of the input. Also for inputs that could not be compared without it.
 * - `versions`: the same for a function that was changed while keys made by the old one are still in use. New keys are
 *   made by the first; a record is compared by the version that it names. A bare function is version `v1`. Experimental.
 */
export type FingerprintPolicy<Call = unknown> =
  | { readonly exclude: readonly string[]; readonly versions?: EitherOr }
  | FingerprintFunction<Call>
  | {
      readonly versions: Readonly<Record<string, FingerprintFunction<Call>>>;
      readonly exclude?: EitherOr;
    };

type EitherOr = Excluded<'one of the two says when requests are the same: leave out `exclude` or `versions`'>;

/** All of the input counts when both are empty. */
export interface ResolvedFingerprint {
  readonly exclude: readonly string[];
  /** The one to make new keys by is the first. */
  readonly versions: ReadonlyMap<string, FingerprintFunction<never>>;
}

export const WHOLE_INPUT: ResolvedFingerprint = { exclude: [], versions: new Map() };

const MAX_PATHS = 50;
// Not a number: JavaScript would put such a name first.
const VERSION = /^[A-Za-z_][\w-]{0,39}$/;

/** @throws TypeError saying what was expected at `option` and what came */
export function resolveFingerprint(policy: unknown, option: string): ResolvedFingerprint {
  if (policy === null) return WHOLE_INPUT;
  if (typeof policy === 'function') return { ...WHOLE_INPUT, versions: new Map([['v1', policy as never]]) };
  const { exclude, versions } = Object(policy) as Readonly<Record<string, unknown>>;
  switch (Object.keys(Object(policy)).join()) {
    case 'exclude':
      return { ...WHOLE_INPUT, exclude: checkPaths(exclude, `${option}.exclude`) };
    case 'versions':
      return { ...WHOLE_INPUT, versions: checkVersions(versions, `${option}.versions`) };
    default:
      throw new TypeError(
        `Expected \`${option}\` to be a function, an object with either \`exclude\` or \`versions\`, or null`,
      );
  }
}

function checkPaths(paths: unknown, option: string): readonly string[] {
  if (!Array.isArray(paths) || paths.length > MAX_PATHS)
    throw new TypeError(`Expected \`${option}\` to be an array of at most ${MAX_PATHS} paths`);
  paths.forEach((path, index) => {
    const problem = pathProblem(path);
    if (problem === undefined) return;
    const got =
      typeof path === 'string' ? `got ${JSON.stringify(path)}, which ${problem}` : `which ${problem}`;
    throw new TypeError(`Expected \`${option}[${index}]\` to be a path such as input.captchaToken, ${got}`);
  });
  return [...new Set(paths)].sort();
}

function checkVersions(functions: unknown, option: string): ReadonlyMap<string, FingerprintFunction<never>> {
  const entries = typeof functions === 'object' && functions !== null ? Object.entries(functions) : [];
  if (entries.length === 0)
    throw new TypeError(`Expected \`${option}\` to be an object of functions, the current one first`);
  for (const [name, value] of entries) {
    if (!VERSION.test(name))
      throw new TypeError(`Expected \`${option}\` to have names such as v2, got ${JSON.stringify(name)}`);
    if (typeof value !== 'function')
      throw new TypeError(`Expected \`${option}.${name}\` to be a function, got ${typeof value}`);
  }
  return new Map(entries);
}
