import { CANONICAL_FORM } from './fingerprint.ts';

/**
 * A rule says by what two requests are compared. Its name stands in front of the hash in the record, for an operator to read,
 * and for a release with another rule to hash an honest retry as that record was.
 */
export interface FingerprintRule {
  /** Paths that do not count. */
  readonly exclude: readonly string[];
  /** The version of the function that was asked, by place: a root field in GraphQL, '' where there is one input. */
  readonly versions: ReadonlyMap<string, string>;
  /** The host's form in which the values are hashed, where a host has several: the transformer in tRPC. */
  readonly form?: string | undefined;
}

/** `s1`, `s1 without input.captchaToken`, `s1 by v2`, `s1 without ship.note by pay.v1 as 0d6e4079`. Holds no colon. */
export function ruleName({ exclude, versions, form }: FingerprintRule): string {
  const paths = [...new Set(exclude)].sort().map(encodeURIComponent);
  const functions = [...versions].map(([place, version]) => (place ? `${place}.${version}` : version)).sort();
  return [
    CANONICAL_FORM,
    ...(paths.length > 0 ? ['without', paths.join(',')] : []),
    ...(functions.length > 0 ? ['by', functions.join(',')] : []),
    ...(form === undefined ? [] : ['as', form]),
  ].join(' ');
}

const NAME = new RegExp(
  `^${CANONICAL_FORM}(?: without (?<paths>[^ ]+))?(?: by (?<functions>[^ ]+))?(?: as (?<form>[^ ]+))?$`,
);

/** Reads the name of a rule; undefined for a name that this release does not know. */
export function parseRule(name: string): FingerprintRule | undefined {
  const groups = NAME.exec(name)?.groups;
  if (!groups) return undefined;
  const { paths, functions, form } = groups;
  try {
    const exclude = paths?.split(',').map(decodeURIComponent) ?? [];
    return { exclude, versions: new Map(functions?.split(',').map(placed)), form };
  } catch {
    return undefined; // damaged
  }
}

function placed(text: string): [place: string, version: string] {
  const dot = text.lastIndexOf('.');
  return [text.slice(0, Math.max(dot, 0)), text.slice(dot + 1)];
}
