import { createHmac, randomBytes } from 'node:crypto';

/** A `Pseudonym` writes the texts that stand in the audit for a scope and its keys once these are erased. */
export interface Pseudonym {
  readonly scope: string;
  keyOf(key: string): string;
}

/**
 * Makes the pseudonym of a scope. A plain hash of an e-mail address or a number is found by trying them all, so the hash has a secret:
 * without one of the caller's, a random one that nobody keeps.
 */
export function pseudonymOf(scope: string, secret: string | Uint8Array = randomBytes(32)): Pseudonym {
  const hash = (...texts: string[]) =>
    createHmac('sha256', secret).update(JSON.stringify(texts)).digest('base64url').slice(0, 22);
  return { scope: `erased:${hash(scope)}`, keyOf: (key) => `erased:${hash(scope, key)}` };
}
