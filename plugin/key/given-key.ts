/**
 * Checks the key that a caller gave; undefined when there is none.
 * @throws TypeError for one that can not be meant: to go on without it, or with another, would lose the protection
 */
export function givenKey(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.trim() === '')
    throw new TypeError(`Expected the idempotency key to be a string that is not empty, got ${shown(value)}`);
  return value;
}

/** A value as a message shows it. */
export function shown(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
