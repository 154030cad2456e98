import { type Check, isObject } from './option-checks.ts';
import { whatCame } from './what-came.ts';

/** An `Origin` says where options were given, for the message. */
export interface Origin {
  /** The function that takes them, as developers write it: `useIdempotency`. */
  readonly of: string;
  /** The place of the options within those of the factory: `fields.chargeCard`. Default: they are its options. */
  readonly at?: string;
  /** Options that are known in another place only, with that place: `{ leaseMs: 'createIdempotency(...)' }`. */
  readonly elsewhere?: Readonly<Record<string, string>>;
}

/**
 * Checks the options that a developer gave, once, at construction. A misspelt option is an error: to go on without it would
 * take away a protection without a word.
 * @throws TypeError naming the option, what was expected, what came, and for an unknown one the nearest that is known
 */
export function checkOptions<Options extends object>(
  options: unknown,
  checks: Readonly<Record<keyof Options, Check>>,
  origin: Origin,
): asserts options is Options {
  if (!isObject(options)) {
    const whose = origin.at === undefined ? `the options of ${origin.of}(...)` : `\`${origin.at}\``;
    throw new TypeError(`Expected ${whose} to be an object, got ${whatCame(options)}`);
  }
  const known = Object.keys(checks);
  for (const name of Object.keys(options)) if (!known.includes(name)) throw unknown(name, known, origin);
  for (const [name, { expected, accepts, required }] of Object.entries<Check>(checks)) {
    const value = options[name];
    if (value === undefined ? required : !accepts(value)) {
      throw new TypeError(`Expected \`${pathOf(name, origin)}\` to be ${expected}, got ${whatCame(value)}`);
    }
  }
}

export function pathOf(name: string, { at }: Origin): string {
  return at === undefined ? name : `${at}.${name}`;
}

/** The `elsewhere` of an origin, for several options that belong to one place. */
export function optionsOf(place: string, names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, place]));
}

function unknown(name: string, known: readonly string[], origin: Origin): TypeError {
  const what = `Unknown option \`${pathOf(name, origin)}\` of ${origin.of}(...)`;
  const { elsewhere = {} } = origin;
  const place = Object.hasOwn(elsewhere, name) ? elsewhere[name] : undefined;
  if (place !== undefined) return new TypeError(`${what}: it is an option of ${place}`);
  const meant = nearest(name, known);
  if (meant !== undefined) return new TypeError(`${what}; did you mean \`${meant}\`?`);
  const meantThere = nearest(name, Object.keys(elsewhere));
  if (meantThere !== undefined)
    return new TypeError(
      `${what}; did you mean \`${meantThere}\`? It is an option of ${elsewhere[meantThere]}`,
    );
  return new TypeError(
    `${what}; ${known.length > 0 ? `expected one of ${known.join(', ')}` : 'it has none'}`,
  );
}

/** The name that was probably meant: it differs in a few letters, begins alike, or one name is the end of the other. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const given = name.toLowerCase();
  const most = Math.max(1, Math.floor(given.length / 3));
  const [best] = known
    .map((each) => ({ each, edits: edits(given, each.toLowerCase()) }))
    .filter(({ each, edits }) => edits <= most || isAlike(given, each.toLowerCase()))
    .sort((a, b) => a.edits - b.edits);
  return best?.each;
}

function isAlike(given: string, name: string): boolean {
  const [short, long] = given.length < name.length ? [given, name] : [name, given];
  return short.length > 2 && (long.startsWith(short.slice(0, 4)) || long.endsWith(short));
}

/** Levenshtein's distance: how many letters to add, take away or change. */
function edits(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let at = 1; at <= from.length; at++) {
    const next = [at];
    for (let of = 1; of <= to.length; of++) {
      const changed = (row[of - 1] as number) + (from[at - 1] === to[of - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[of] as number) + 1, (next[of - 1] as number) + 1));
    }
    row = next;
  }
  return row[to.length] as number;
}
