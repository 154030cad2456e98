import { fieldsOf, summaryOf } from './error-summary.ts';
import type { Format } from './format.ts';

/** A captured call names its procedure. */
export interface TRPCRequest {
  readonly path: string;
  /** The input, in the transformer's form. */
  readonly input?: unknown;
}

/** A stored result. `data`, absent for a void result, and `shape` are in the transformer's form. */
export type TRPCResult =
  | { readonly data?: unknown }
  | {
      readonly error: TRPCStoredError;
      /** The error as its first caller saw it, where that does not follow from `error`. */
      readonly shape?: unknown;
    };

/**
 * A `TRPCStoredError` keeps of an error what tRPC shows of it, and of its cause only the name and the message: the fields of somebody
 * else's error (an HTTP client's, with the request's headers) are no business of a store.
 */
export interface TRPCStoredError {
  /** tRPC's own code, such as `CONFLICT`. */
  readonly code: string;
  readonly message: string;
  readonly cause?: TRPCStoredCause;
  /** The stack is kept in development only, where tRPC sends it. */
  readonly stack?: string;
}

export interface TRPCStoredCause {
  readonly name: string;
  readonly message: string;
  /** The words of an `IdempotencyError`. */
  readonly refusal?: {
    readonly code: string;
    readonly reason?: string;
    readonly retryable?: boolean;
    readonly retryAfterMs?: number;
    readonly recordId?: string;
  };
}

const NAME = 'trpc/1';

/** Bodies of tRPC are the JSON of what it sends, serialised once by the transformer of the root. */
export const trpcFormat = {
  /** The name of captured calls, and of results that name no transformer, such as those of an operator without a rerunner. */
  name: NAME,

  /** Names the format of results. @param form the hash that names the transformer */
  nameFor: (form: string): string => `${NAME} as ${form}`,

  writeRequest: (request: TRPCRequest): string => JSON.stringify(request),

  /** @throws SyntaxError for what is no JSON */
  readRequest: (text: string): TRPCRequest => JSON.parse(text) as TRPCRequest,

  /** @throws for what can not be written down */
  writeResult: (result: TRPCResult): string => JSON.stringify(result, refuseStreams),

  /** @throws SyntaxError for what is no JSON */
  readResult: (text: string): TRPCResult => JSON.parse(text) as TRPCResult,

  givenSuccess: (json) => `{"data":${json}}`,

  givenFailure: (message): string =>
    trpcFormat.writeResult({ error: { code: 'INTERNAL_SERVER_ERROR', message } }),

  errorsIn(body) {
    const { error } = fieldsOf(body);
    return error === undefined ? undefined : [summaryOf(error)];
  },
} as const satisfies Format & Record<string, unknown>;

/** Refuses promises and iterables, which tRPC streams: JSON would make `{}` of them. */
function refuseStreams(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Symbol.asyncIterator in value || ('then' in value && typeof value.then === 'function')) {
    throw new TypeError('A streamed value can not be stored');
  }
  return value;
}
