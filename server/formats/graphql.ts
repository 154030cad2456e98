import { fieldsOf, summaryOf } from './error-summary.ts';
import type { Format } from './format.ts';

/** A captured request is one operation, with the fragments and variables that it uses. */
export interface GraphQLRequest {
  readonly query: string;
  readonly operationName?: string;
  readonly variables?: Record<string, unknown>;
}

/** A stored result is that of GraphQL, but for its errors. */
export interface GraphQLResult {
  readonly data?: Record<string, unknown> | null;
  readonly errors?: readonly GraphQLStoredError[] | undefined;
  readonly extensions?: Record<string, unknown>;
}

/**
 * A `GraphQLStoredError` is one error with its kind before it. `error` is what clients may read. `unexpected` is one that masking is
 * to replace: its message is not written down. `other` is no GraphQLError at all, as a remote executor's may be.
 */
export type GraphQLStoredError =
  | readonly ['error', ErrorFields]
  | readonly ['unexpected', Omit<ErrorFields, 'message'>]
  | readonly ['other', unknown];

/** The fields of an error, as it goes over the wire. */
interface ErrorFields {
  readonly message: string;
  readonly locations?: readonly { readonly line: number; readonly column: number }[];
  readonly path?: readonly (string | number)[];
  readonly extensions?: Record<string, unknown>;
}

const MOST_ERRORS = 5;

/**
 * Bodies of GraphQL are JSON text: a result as it went over the wire, its names in their order; only errors have a form of their own. They
 * are text because BSON would change what JSON keeps: `$` and dots in names, Dates, `undefined`.
 */
export const graphqlFormat = {
  name: 'graphql/1',

  /** @throws TypeError for a file: what JSON makes of it can not be sent again */
  writeRequest: (request: GraphQLRequest): string => JSON.stringify(request, refuseFiles),

  /** @throws SyntaxError for what is no JSON */
  readRequest: (text: string): GraphQLRequest => JSON.parse(text) as GraphQLRequest,

  /** Finds the query of a request, also in one that is damaged; undefined where there is none. */
  queryIn(request: string): string | undefined {
    try {
      const { query } = JSON.parse(request) as Partial<Record<keyof GraphQLRequest, unknown>>;
      return typeof query === 'string' ? query : undefined;
    } catch {
      return undefined;
    }
  },

  writeResult: (result: GraphQLResult): string => JSON.stringify(result),

  /** @throws for what is damaged */
  readResult(text: string): GraphQLResult {
    const result = JSON.parse(text) as GraphQLResult;
    if (result.data === undefined && !result.errors)
      throw new TypeError('Expected a stored result to have data or errors');
    return result;
  },

  givenSuccess(json): string {
    if (!/^\s*\{/.test(json)) throw new TypeError('Expected an object: the `data` of a GraphQL result');
    return `{"data":${json}}`;
  },

  givenFailure: (message): string =>
    graphqlFormat.writeResult({ data: null, errors: [['error', { message }]] }),

  errorsIn(body) {
    const { errors } = fieldsOf(body);
    if (!Array.isArray(errors)) return undefined;
    return errors
      .slice(0, MOST_ERRORS)
      .map((error) => summaryOf(Array.isArray(error) ? error.at(-1) : error));
  },
} as const satisfies Format & Record<string, unknown>;

function refuseFiles(_name: string, value: unknown): unknown {
  if (typeof value === 'object' && value !== null && 'arrayBuffer' in value)
    throw new TypeError('A file can not be captured');
  return value;
}
