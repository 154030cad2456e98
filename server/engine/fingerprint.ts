import { hash } from 'node:crypto';
import { canonicalJson } from './canonical-json.ts';

/** The rule in front of each hash begins with it. Change it when canonical form changes, and keep the old one beside it. */
export const CANONICAL_FORM = 's1';

/** The rule in `rule:hash`; MongoDB's claim pipeline splits in the same way. */
export function ruleOf(tagged: string): string {
  return tagged.split(':', 1)[0] as string;
}

/**
 * SHA-256 of an operation and its arguments in canonical JSON: the order of names does not count; types
 * that JSON folds together (10n and "10", a Date and its text, a Map and {}) are told apart.
 * @param rule the name of what was made of the arguments before (`ruleName`)
 * @param contents what counts in place of objects that have to be read first, such as files
 * @throws TypeError for what can not be told apart by its content: functions, symbols, circular
 * structures, and objects with neither `toJSON` nor fields of their own.
 */
export function fingerprintOf(
  operation: string,
  args: unknown,
  rule?: string,
  contents?: ReadonlyMap<object, unknown>,
): string {
  return tagged(canonicalJson([operation, args], contents), rule);
}

/** `rule:hash` of a text that is canonical already, such as a printed selection set. */
export function tagged(canonical: string, rule = CANONICAL_FORM): string {
  return `${rule}:${hash('sha256', canonical, 'hex')}`;
}
