import type { Internals } from '../../adapter/internals.ts';
import { isIdempotencyError } from '../../engine/errors.ts';
import type { Document } from '../../mongodb/database.ts';

export type Part = 'request' | 'response';

/**
 * Opens a stored body; undefined where nobody can, as when its key is not at hand.
 * @param mostBytes about so much of the beginning of its text; all of it by default
 */
export type OpenBody = (
  stored: Document,
  place: BodyPlace,
  mostBytes?: number,
) => Promise<string | undefined> | string | undefined;

/** A place says which body of which record this is: an encrypted body is bound to its place. */
export interface BodyPlace {
  readonly scope: string;
  readonly key: string;
  readonly life: number;
  readonly part: Part;
}

/** Whoever has access to bodies opens and seals them: the internals of an `Idempotency`, with its ciphers. */
export type BodyAccess = Pick<Internals, 'open' | 'seal'>;

/** Makes the function that opens bodies. It answers undefined where the access refuses, and throws what is no refusal. */
export const openerOf =
  (access: BodyAccess): OpenBody =>
  async (stored, { part, ...address }, mostBytes) => {
    try {
      return await access.open(
        { ...address, [part]: stored },
        part,
        mostBytes === undefined ? {} : { mostBytes },
      );
    } catch (error) {
      if (isIdempotencyError(error)) return undefined;
      throw error;
    }
  };
