import { type IdempotencyError, refusalWith } from '../engine/errors.ts';
import { fingerprintOf } from '../engine/fingerprint.ts';
import type { ResolvedFingerprint } from '../engine/fingerprint-policy.ts';
import { type FingerprintRule, parseRule, ruleName } from '../engine/fingerprint-rule.ts';
import type { Fingerprints } from '../engine/match-of.ts';
import { andThen, inTurn, type MaybePromise } from '../engine/maybe-promise.ts';
import { type Path, pathOf } from '../engine/paths.ts';
import { textOf } from '../engine/reason.ts';

/** A `Comparison` is what one call is compared by, as an adapter sees it: nothing is hashed yet. */
export interface Comparison {
  readonly operation: string;
  /** The operation as records name it, where that is not the name that is hashed. */
  readonly recorded?: string;
  /** The inputs of the call: in GraphQL one for each root field that it calls. */
  readonly inputs: readonly ComparedInput[];
  /** The form in which the host writes values, where it has several. */
  readonly form?: string;
  /** Tells whether the host can write values in another form, too, that a record names. */
  isForm?(form: string): boolean;
  /** Makes of the values of all inputs, in their order, what is hashed. */
  whole(values: readonly unknown[]): unknown;
  /** The contents that count in place of objects that had to be read first, such as files. */
  readonly contents?: ReadonlyMap<object, unknown> | undefined;
}

export interface ComparedInput {
  /** The name in front of the input's paths: the root field in GraphQL, '' where a call has one input. */
  readonly place: string;
  readonly policy: ResolvedFingerprint;
  /** The name of what is compared, for the message of an error. */
  readonly name: string;
  /** Makes the call object that a fingerprint function is shown. */
  call(): unknown;
  /**
   * Gives what is compared by default, without what stands at these paths: a value or a promise of one.
   * @param form that of the rule, for a host that has several
   */
  without(paths: readonly Path[], form: string | undefined): unknown;
}

/** Makes the call object of a call that is compared by one input, for functions of the developer that are not about the fingerprint. */
export function seenOf({ inputs: [input] }: Comparison): object {
  return (input?.call() ?? {}) as object;
}

/**
 * The fingerprint of a call by its own policy, and by those of earlier and later releases as far as their rules say how.
 * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID, reason `unfingerprintable`, for an input that can not be compared
 * @throws TypeError, or what it threw, when a developer's function fails
 */
export function fingerprintsOf(comparison: Comparison): MaybePromise<Fingerprints> {
  const { operation, recorded = operation } = comparison;
  const current = { ...currentRule(comparison.inputs), form: comparison.form };
  return andThen(hashBy(comparison, current, ruleName(current)), (fingerprint) => ({
    fingerprints: [fingerprint],
    async fingerprintBy(name, ofOperation) {
      const rule = parseRule(name);
      if (!rule) return undefined;
      // A hash covers its operation, so this one is never equal to the record's.
      if (ofOperation !== recorded) return fingerprintOf(operation, null, name);
      // A release before this one named no form, and had the one that the server has now, as far as anybody can tell.
      if (rule.form !== undefined && rule.form !== comparison.form && !comparison.isForm?.(rule.form))
        throw otherForm();
      const isKnown = comparison.inputs.every(({ place, policy: { versions } }) => {
        const version = rule.versions.get(place);
        return version === undefined || versions.has(version);
      });
      return isKnown ? await hashBy(comparison, rule, name) : undefined;
    },
  }));
}

function otherForm(): IdempotencyError {
  const message = 'The record of this idempotency key was written with another transformer; nothing was run';
  return refusalWith('IDEMPOTENCY_RECORD_UNREADABLE', { message, reason: 'transformer' });
}

function currentRule(inputs: readonly ComparedInput[]): Omit<FingerprintRule, 'form'> {
  const exclude = inputs.flatMap(({ place, policy }) =>
    policy.versions.size > 0 ? [] : policy.exclude.map((path) => (place ? `${place}.${path}` : path)),
  );
  const versions = inputs.flatMap(({ place, policy }) =>
    [...policy.versions.keys()].slice(0, 1).map((version) => [place, version] as const),
  );
  return { exclude, versions: new Map(versions) };
}

function hashBy(
  { operation, inputs, whole, contents }: Comparison,
  rule: FingerprintRule,
  name: string,
): MaybePromise<string> {
  const paths = rule.exclude.map(pathOf);
  const compared = (input: ComparedInput): MaybePromise<unknown> => {
    const version = rule.versions.get(input.place);
    const given = version === undefined ? undefined : input.policy.versions.get(version);
    return given ? hashOfValue(given, input, contents) : input.without(inside(paths, input), rule.form);
  };
  return andThen(inTurn(inputs, compared), (values) => {
    try {
      return fingerprintOf(operation, whole(values), name, contents);
    } catch (cause) {
      throw unfingerprintable(cause);
    }
  });
}

function inside(paths: readonly Path[], { place }: ComparedInput): readonly Path[] {
  return place ? paths.filter(([first]) => first === place).map(([, ...rest]) => rest) : paths;
}

/** Hashes a developer's value by itself, so that an error says that it is the developer's value which can not be hashed. */
async function hashOfValue(
  give: (call: never) => unknown,
  { name, call }: ComparedInput,
  contents: Comparison['contents'],
): Promise<{ readonly function: string }> {
  const value = await give(call() as never);
  const expected = `Expected the \`fingerprint\` function of ${name} to return`;
  if (value === undefined)
    throw new TypeError(`${expected} a value (null, if nothing counts), got undefined`);
  try {
    return { function: fingerprintOf(name, value, undefined, contents) };
  } catch (cause) {
    throw new TypeError(`${expected} what can be hashed: ${textOf(cause)}`, { cause });
  }
}

/** An input that can not be told apart by its content, and so not be bound to a key. */
export function unfingerprintable(cause: unknown): IdempotencyError {
  const why = cause instanceof Error ? cause.message : textOf(cause);
  const message = `The input of this operation can not be compared, so it can not have an idempotency key: ${why}`;
  return refusalWith('IDEMPOTENCY_KEY_INVALID', { message, reason: 'unfingerprintable', cause });
}
