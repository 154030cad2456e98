import { notPromised } from '../../../server/engine/not-promised.ts';
import { isObject } from '../../../server/engine/option-checks.ts';
import { whatCame } from '../../../server/engine/what-came.ts';
import { type RequestHeaders, requestHeaders } from '../../../server/http/request-headers.ts';
import { isCarrier } from '../../../server/run/key-carriers.ts';
import { isHandshake } from './handshake.ts';

/** What a `request` function gives: where the headers and the extensions of one operation stand. */
export interface ClientRequest {
  /** The headers of its HTTP request: a web `Headers`, those of Node.js, or a plain object. Leave them out for an operation of a WebSocket. */
  readonly headers?: object | null | undefined;
  /** The `extensions` of the GraphQL request, as the client sent them. */
  readonly extensions?: unknown;
}

/** A `FindRequest` function says where the headers and the extensions of an operation stand on its context. */
export type FindRequest<Context> = (call: { readonly context: Context }) => ClientRequest;

/** `Shown` is what a context tells about the operation and its HTTP request. */
export interface Shown {
  /** Says that a client's key could be seen if there were one. */
  readonly isVisible: boolean;
  /** The extensions of the operation, each with the object that they came with. */
  readonly extensions: readonly { readonly of: object; readonly carrier: object }[];
  /** The request's headers; undefined where there is no request, and for one that opened a WebSocket. */
  readonly headers: { readonly of: RequestHeaders; readonly carrier: object } | undefined;
  /** The objects by which the operation is recognized. A copy of its context has the same request and parameters. */
  readonly carriers: readonly unknown[];
}

/** Finds what is known of the client's request. @throws TypeError for what a `request` function may not give */
export function shownBy<Context>(context: Context, find?: FindRequest<Context>): Shown {
  const { params } = (isObject(context) ? context : {}) as { readonly params?: unknown };
  const parameters = isObject(params) && isParameters(params) ? params : undefined;
  const ofParameters = parameters && isObject(parameters.extensions) ? [parameters.extensions] : [];
  const inParameters = ofParameters.map((of) => ({ of, carrier: params as object }));
  if (find)
    return shownByOption(notPromised(find({ context }), 'request'), context, parameters, inParameters);
  const request = requestOf(context);
  const headers =
    request && !isHandshake(request) ? requestHeaders(request.headers, 'context.request.headers') : undefined;
  return {
    isVisible: parameters !== undefined || headers !== undefined,
    extensions: inParameters,
    headers: headers && { of: headers, carrier: request as object },
    carriers: [context, params, request],
  };
}

/** The parameters of the context count in addition: an operator's re-run has its key there. */
function shownByOption(
  given: ClientRequest,
  context: unknown,
  parameters: object | undefined,
  inParameters: Shown['extensions'],
): Shown {
  if (!isObject(given)) throw unusable('an object', given);
  const { headers, extensions } = given;
  const read = isObject(headers) ? requestHeaders(headers, 'request(…).headers') : undefined;
  if (headers != null && !read) throw unusable('an object whose `headers` can be read', headers);
  const own = isObject(extensions) ? [{ of: extensions, carrier: extensions }] : [];
  return {
    isVisible: read !== undefined || extensions !== undefined || parameters !== undefined,
    extensions: [...own, ...inParameters],
    headers: read && { of: read, carrier: headers as object },
    carriers: [context, headers, extensions, parameters],
  };
}

function unusable(expected: string, came: unknown): TypeError {
  return new TypeError(
    `Expected \`request\` to return ${expected}, got ${whatCame(came)}; write \`({ context }) => ({ headers, extensions })\``,
  );
}

/** Members of a GraphQL request. What a router calls `params` has none of them. */
const MEMBERS = ['query', 'documentId', 'operationName', 'variables', 'extensions'];
const isParameters = (params: object) => MEMBERS.some((name) => name in params);

/** A Fetch `Request` (Yoga), or a Node.js one. */
function requestOf(context: unknown): Record<string, unknown> | undefined {
  const { request, req } = isObject(context) ? context : {};
  const found = isObject(request) ? request : req;
  return isObject(found) ? found : undefined;
}

/** The signal that aborts when the client of a request leaves, where its host has one. */
export function signalOf(context: unknown): AbortSignal | undefined {
  const { signal } = requestOf(context) ?? {};
  return signal instanceof AbortSignal ? signal : undefined;
}

/** Tells whether the server's own code executes an operation from inside a run, with that run's context, params or request. */
export const belongsToRun = ({ carriers }: Shown): boolean => carriers.some(isCarrier);
