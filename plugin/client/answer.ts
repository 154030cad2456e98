import type { IdempotencyErrorData } from '../../server/engine/error-data.ts';

/** An `Answer` is what a server said of a failed attempt, whichever client reports it. */
export interface Answer {
  /** The object of a refusal holds what Latchkey says; it is absent from an answer of the application, however its code is spelt. */
  readonly idempotency: IdempotencyErrorData | undefined;
  /** The application's or the host's. */
  readonly code: string | undefined;
  readonly status: number | undefined;
  /** GraphQL: an error with a path comes from a resolver, one without from before any ran. Undefined elsewhere. */
  readonly executed: boolean | undefined;
}

/**
 * Reads what the server said: one answer for each GraphQL error, none when no answer arrived. It goes by shape, so that no
 * client library is imported: errors of tRPC, Apollo Client 3 and 4 and urql, a `Response`, GraphQL's own JSON, the JSON of a problem
 * (RFC 9457), or an application's own error with a `status` and a `code`.
 */
export function answersIn(error: unknown): readonly Answer[] {
  // Before `data`, which is tRPC's answer, and beside GraphQL errors the part that worked.
  const errors = graphQLErrorsOf(error);
  if (errors) return errors.map((each) => graphQLAnswer(each, numberIn(of(error, 'response'), 'status')));
  const data = of(error, 'data');
  if (isObject(data)) return [answer(data, data.code, data.httpStatus)];
  const status = statusOf(error);
  const problem = [error, ...bodiesOf(error)].find((body) => refusalIn(body) !== undefined);
  if (problem === undefined && status === undefined) return [];
  return [answer(problem, of(error, 'code'), status)];
}

function graphQLAnswer(error: unknown, httpStatus: number | undefined): Answer {
  const { code, http, ...extensions } = objectIn(error, 'extensions') ?? {};
  const status = numberIn(http, 'status') ?? httpStatus;
  return { ...answer(extensions, code, status), executed: Array.isArray(of(error, 'path')) };
}

/** Reads the object by which each API of ours says that a refusal is one. Its codes may be newer than this client. */
function refusalIn(holder: unknown): IdempotencyErrorData | undefined {
  const refusal = objectIn(holder, 'idempotency');
  const isOurs =
    typeof refusal?.code === 'string' &&
    refusal.code.startsWith('IDEMPOTENCY_') &&
    typeof refusal.retryable === 'boolean';
  return isOurs ? (refusal as unknown as IdempotencyErrorData) : undefined;
}

/** Where clients of HTTP keep the JSON of an answer: axios, clients made of an OpenAPI schema, Apollo Client 4 (as text). */
function bodiesOf(error: unknown): readonly unknown[] {
  return [
    of(of(error, 'response'), 'data'),
    of(error, 'body'),
    of(error, 'error'),
    jsonOf(of(error, 'bodyText')),
  ];
}

function graphQLErrorsOf(error: unknown): readonly unknown[] | undefined {
  const lists = [
    of(error, 'graphQLErrors'),
    of(error, 'errors'),
    of(jsonOf(of(error, 'bodyText')), 'errors'),
  ];
  const network = of(error, 'networkError');
  if (network) lists.push(of(of(network, 'result'), 'errors'));
  return lists.find((list): list is unknown[] => Array.isArray(list) && list.length > 0);
}

/** Apollo Client 4 keeps the answer to a failed HTTP request as text. */
function jsonOf(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Finds the status of a failure. An answer of status 200 that could not be read is no answer. */
function statusOf(error: unknown): number | undefined {
  const status =
    numberIn(error, 'status') ??
    numberIn(error, 'statusCode') ??
    numberIn(of(error, 'networkError'), 'statusCode') ??
    numberIn(of(error, 'response'), 'status') ??
    numberIn(of(of(error, 'meta'), 'response'), 'status'); // tRPC, for the page of a gateway
  return status !== undefined && status >= 400 ? status : undefined;
}

function answer(holder: unknown, code: unknown, status: unknown): Answer {
  return {
    idempotency: refusalIn(holder),
    code: typeof code === 'string' ? code : undefined,
    status: typeof status === 'number' ? status : undefined,
    executed: undefined,
  };
}

/** A property, and undefined of what has none. */
export function of(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function objectIn(value: unknown, name: string): Record<string, unknown> | undefined {
  const found = of(value, name);
  return isObject(found) ? found : undefined;
}

function numberIn(value: unknown, name: string): number | undefined {
  const found = of(value, name);
  return typeof found === 'number' ? found : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
