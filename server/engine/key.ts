import { parseList } from 'structured-headers';
import type { ReasonOf } from './error-codes.ts';
import { type IdempotencyError, refusal, refusalWith } from './errors.ts';
import { notPromised } from './not-promised.ts';
import { whatCame } from './what-came.ts';
import { withHelp } from './with-help.ts';
import { yesOrNo } from './yes-or-no.ts';

/** Longest key, in UTF-16 units; Stripe's and Shopify's limit too. */
const MAX_KEY_LENGTH = 255;
export const MAX_SCOPE_LENGTH = 1_024;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

// What languages print for no value, an object or a boolean; the UUID of no value; a placeholder that nobody replaced.
const NO_VALUE =
  /^(?:undefined|null|NaN|-?Infinity|true|false|None|nil|<nil>|\(null\)|\[object [^\]]*\]|0{8}(?:-0{4}){3}-0{12}|\$\{[^{}]*\}|\{\{[^{}]*\}\})$/;
const SEPARATORS = /[:/|,;._#-]/;

/**
 * Tells whether a text is what a template prints where it had no value: `undefined`, `null`, `NaN`, `[object Object]`,
 * `{{orderKey}}`, or nothing but such parts (`undefined:null`). Everyone whose template lacks the value has the same text, so
 * it can not tell one request, or one caller, from another. Exactly these spellings count: nobody's name is `null` by
 * accident of case.
 */
export function isUnfilled(text: string): boolean {
  const whole = text.trim();
  if (NO_VALUE.test(whole)) return true;
  const parts = whole.split(SEPARATORS).filter((part) => part.trim() !== '');
  return parts.length > 0 && parts.every((part) => NO_VALUE.test(part.trim()));
}

/**
 * A key as a client may send it, never coerced or trimmed.
 * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID saying what is wrong, without repeating the key
 */
export function checkKey(value: unknown): string {
  if (typeof value !== 'string')
    throw invalid('type', `must be a string, got ${value === null ? 'null' : typeof value}`);
  if (value.trim() === '') throw invalid('empty', 'must not be empty');
  if (value.length > MAX_KEY_LENGTH) {
    throw invalid('too_long', `must have at most ${MAX_KEY_LENGTH} UTF-16 units, got ${value.length}`);
  }
  if (CONTROL.test(value)) throw invalid('control_character', 'must not hold control characters');
  if (isUnfilled(value)) {
    throw invalid(
      'unfilled',
      'is what a template prints where it had no value (undefined, null, [object Object], …), so other requests would get ' +
        "the same key; make the client's key from values that exist, or take a new UUID for each operation",
    );
  }
  // MongoDB stores UTF-8: two different lone surrogates would become one and the same record.
  if (!value.isWellFormed())
    throw invalid('not_well_formed', 'must be well-formed Unicode (no lone surrogates)');
  return value;
}

/** Clients may send keys of this format. */
export type KeyFormat = 'any' | 'uuid' | ((key: string) => boolean);

// RFC 9562, of any version.
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Checks that a key has the form that the policy asks for.
 * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID, reason `format`, when it has not
 * @throws TypeError when the developer's function gives anything but a boolean, and whatever it throws
 */
export function checkKeyFormat(key: string, format: KeyFormat): string {
  if (format === 'any') return key;
  if (format === 'uuid') {
    if (!UUID.test(key)) throw invalid('format', 'must be a UUID, such as crypto.randomUUID() makes');
    return key;
  }
  if (yesOrNo('keyFormat', notPromised(format(key), 'keyFormat'))) return key;
  throw invalid('format', 'does not have the form that this operation takes');
}

/**
 * The key in an `Idempotency-Key` header: a structured-field string (`"abc"`,
 * draft-ietf-httpapi-idempotency-key-header-07 §2.1) or, as Stripe's clients send it, the bare text.
 * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID; a header that is there but unusable is never "no key"
 */
export function parseKeyHeader(header: string): string {
  const text = header.trim();
  if (!text.startsWith('"')) {
    if (text.includes(','))
      throw invalid('ambiguous', 'header came more than once, or needs quotes around its comma');
    if (text.includes('"')) throw invalid('malformed', 'header has a stray quote');
    return checkKey(text);
  }
  return checkKey(unquoted(text));
}

function unquoted(text: string): unknown {
  // A list, since HTTP itself or a proxy joins headers of one name by commas.
  const values = listOf(text).map(([value]) => value);
  if (values.length > 1) throw invalid('ambiguous', 'header came more than once');
  return values[0];
}

function listOf(text: string): ReturnType<typeof parseList> {
  try {
    return parseList(text);
  } catch (cause) {
    throw invalid('malformed', 'header is not a valid structured-field string', cause);
  }
}

const SCOPE_SEPARATORS = /[/:|#,;]/;

/**
 * Tells whether a scope is blank, or one of its parts is what a template prints where it had no value: `null/ada`,
 * `org:undefined`, `[object Object]`. Parts are what is between `/ : | # , ;`. A dash, a dot or an underscore separates nothing here:
 * `dev-null` is somebody's name.
 */
export function lacksAPart(scope: string): boolean {
  return scope.trim() === '' || scope.split(SCOPE_SEPARATORS).some(isUnfilled);
}

/**
 * The scope that a developer's `scope` function returned. Nobody's calls share an unnamed bucket.
 * @throws IdempotencyError IDEMPOTENCY_SCOPE_MISSING when there is none
 * @throws TypeError when it is something that a scope can not be: a developer's error, never coerced
 */
export function checkScope(value: unknown): string {
  if (value === undefined || value === null || value === '') {
    throw refusal('IDEMPOTENCY_SCOPE_MISSING');
  }
  if (typeof value !== 'string')
    throw new TypeError(`Expected \`scope\` to return a string or null, got ${typeof value}`);
  if (lacksAPart(value)) {
    const text =
      `Expected \`scope\` to return who the caller is, got ${whatCame(value)}: that is what a template prints where it had no ` +
      'value, so different callers would share their keys. Make it by scopeOf(tenant, user), which throws where a part is missing';
    throw new TypeError(withHelp(text, 'scope-without-a-part'));
  }
  if (value.length > MAX_SCOPE_LENGTH || !value.isWellFormed()) {
    throw new TypeError(
      `Expected \`scope\` to return well-formed Unicode of at most ${MAX_SCOPE_LENGTH} UTF-16 units, got ${value.length}`,
    );
  }
  return value;
}

function invalid(
  reason: ReasonOf<'IDEMPOTENCY_KEY_INVALID'>,
  what: string,
  cause?: unknown,
): IdempotencyError {
  return refusalWith('IDEMPOTENCY_KEY_INVALID', { message: `The idempotency key ${what}`, reason, cause });
}
