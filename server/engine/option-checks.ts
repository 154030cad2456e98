/** A `Check` says what one option has to be. */
export interface Check {
  /** The words of the message after "to be": `a function`. */
  readonly expected: string;
  readonly accepts: (value: unknown) => boolean;
  /** True refuses undefined, too. Without this, undefined is the same as an option that is left out. */
  readonly required?: true;
}

/** A token by RFC 9110 §5.6.2 is the name of a header or of a method. */
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null;

const isFunction = (value: unknown) => typeof value === 'function';
const isToken = (value: unknown) => typeof value === 'string' && TOKEN.test(value);

export const anything: Check = { expected: 'anything', accepts: () => true };
export const aFunction: Check = { expected: 'a function', accepts: isFunction };
export const aBoolean: Check = { expected: 'a boolean', accepts: (value) => typeof value === 'boolean' };
export const aNull: Check = { expected: 'null', accepts: (value) => value === null };
export const anObject: Check = {
  expected: 'an object',
  accepts: (value) => isObject(value) && !Array.isArray(value),
};
export const aHeaderName: Check = { expected: 'the name of an HTTP header', accepts: isToken };
export const headerNames: Check = { expected: 'an array of names of HTTP headers', accepts: areTokens };
export const methodNames: Check = { expected: 'an array of HTTP methods', accepts: areTokens };

/** A boolean, or a function that decides case by case. */
export const aSwitch: Check = anyOf(aBoolean, aFunction);

export function integer(min: number, max?: number): Check {
  return {
    expected: max === undefined ? `an integer ≥ ${min}` : `an integer from ${min} to ${max}`,
    accepts: (value) =>
      Number.isSafeInteger(value) &&
      (value as number) >= min &&
      (max === undefined || (value as number) <= max),
  };
}

export function oneOf(...words: string[]): Check {
  return { expected: words.join(' or '), accepts: (value) => words.includes(value as string) };
}

export function anyOf(...checks: Check[]): Check {
  return {
    expected: checks.map(({ expected }) => expected).join(' or '),
    accepts: (value) => checks.some(({ accepts }) => accepts(value)),
  };
}

/** @param example what the message shows to write */
export function required(check: Check, example?: string): Check {
  const expected = example === undefined ? check.expected : `${check.expected}, such as \`${example}\``;
  return { ...check, expected, required: true };
}

function areTokens(value: unknown): boolean {
  return Array.isArray(value) && value.every(isToken);
}
