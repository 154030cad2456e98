import { fieldsOf, summaryOf } from './error-summary.ts';
import type { Format } from './format.ts';

/** A captured call of `idempotency.run(...)` has the input that it was given. */
export interface JsonRequest {
  readonly input?: unknown;
}

/** A stored result has what the function returned, absent where that was nothing, or what it threw. */
export type JsonResult = { readonly data?: unknown } | { readonly error: JsonStoredError };

/** Of an error no other field is kept: those of somebody else's error (an HTTP client's, with its headers) are no business of a store. */
export interface JsonStoredError {
  readonly name: string;
  readonly message: string;
  readonly code?: string | number;
}

/** Bodies of `idempotency.run(...)` are JSON of what was given and returned. */
export const jsonFormat = {
  name: 'json/1',

  /** @throws for what JSON can not hold */
  writeRequest: (request: JsonRequest): string => JSON.stringify(request),

  writeResult: (result: JsonResult): string => JSON.stringify(result),

  /** @throws for what is damaged */
  readResult(text: string): JsonResult {
    const result = JSON.parse(text) as unknown;
    const { error } = fieldsOf(result);
    if (typeof result !== 'object' || result === null || Array.isArray(result))
      throw new TypeError('Expected a stored result to be an object');
    if (error !== undefined && typeof fieldsOf(error).message !== 'string')
      throw new TypeError('Expected a stored error to have a message');
    return result;
  },

  givenSuccess: (json): string => `{"data":${json}}`,

  givenFailure: (message): string => jsonFormat.writeResult({ error: { name: 'Error', message } }),

  errorsIn(body) {
    const { error } = fieldsOf(body);
    return error === undefined ? undefined : [summaryOf(error)];
  },
} as const satisfies Format & Record<string, unknown>;
