const LONGEST = 60;

/**
 * A value as the messages of this package name it, after "got": texts and numbers as they are, of anything else only its
 * kind. What is inside of an object may be secret, and an error is read by many.
 */
export function whatCame(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return cut(JSON.stringify(value));
    case 'bigint':
      return `${value}n`;
    case 'function':
      return 'a function';
    case 'object':
      return value === null ? 'null' : kindOf(value);
    default:
      return String(value);
  }
}

function kindOf(value: object): string {
  if (isThenable(value)) return 'a promise';
  if (Array.isArray(value))
    return value.every(isWord) ? cut(JSON.stringify(value)) : `an array of ${value.length}`;
  const name: unknown = value.constructor?.name;
  return typeof name === 'string' && name !== '' && name !== 'Object'
    ? `an object of class ${name}`
    : 'an object';
}

/** A promise of this or of another implementation. */
export function isThenable(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return typeof (value as { readonly then?: unknown }).then === 'function';
}

const isWord = (value: unknown) => typeof value === 'string' || typeof value === 'number';

const cut = (text: string) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
