import {
  buildASTSchema,
  type DocumentNode,
  type ExecutionResult,
  execute,
  type GraphQLError,
  type GraphQLSchema,
  parse,
  printSchema,
  validate,
} from 'graphql';
import {
  type CapturedRequest,
  type GivenResponse,
  type Replayer,
  type ReplayPrincipal,
  scopeRefusal,
  WON_BY_A_CLIENT,
} from '../../server/admin/replayer.ts';
import type { StoredResponse } from '../../server/engine/record.ts';

export interface GraphQLPrincipal extends ReplayPrincipal {
  /** What the server tells it by: `{ authorization: … }`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Yoga's server context, or that of `getEnveloped`, for a host that puts the session there. */
  readonly serverContext?: object;
}

/** The parts of a Yoga server that are used, by shape. */
interface YogaServer {
  readonly graphqlEndpoint: string;
  fetch(url: string, init: RequestInit, serverContext?: object): Response | Promise<Response>;
  readonly getEnveloped: (context?: never) => { readonly schema: unknown };
}

/** As `envelop(...)` makes it, by shape. */
type GetEnveloped = (context?: never) => {
  readonly schema: unknown;
  readonly parse: (source: string) => unknown;
  readonly execute: (args: never) => unknown;
  readonly contextFactory: () => unknown;
};

export type GraphQLReplayerOptions = (
  | { readonly yoga: YogaServer }
  | { readonly getEnveloped: GetEnveloped }
) & {
  /** Who sends it now; null when whoever sent it may not any more. Gets what was captured. */
  readonly context: (request: CapturedRequest) => GraphQLPrincipal | null | Promise<GraphQLPrincipal | null>;
};

const FORMAT = 'graphql/1';

/**
 * Sends captured GraphQL requests through the server's own pipeline, with their key, as a principal that the developer
 * gives. For the `replayers` of `createDashboard`.
 * @example createGraphQLReplayer({ yoga, context: async ({ scope }) => ({ scope, principal: scope, headers: await signedIn(scope) }) })
 */
export function createGraphQLReplayer(options: GraphQLReplayerOptions): Replayer {
  const { context } = options;
  const server = serverOf(options);
  if (typeof context !== 'function')
    throw new TypeError(
      'Expected `context` to be a function: as whom a request is sent again is your decision',
    );

  return {
    format: FORMAT,

    async check(request) {
      const principal = await context(request);
      const why = scopeRefusal(principal, request) ?? errorsIn(request, server.schema());
      const who = principal?.principal;
      return why === null
        ? { possible: true, principal: who ?? '' }
        : { possible: false, why, ...(who !== undefined && { principal: who }) };
    },

    async run(request) {
      const principal = await context(request);
      const why = scopeRefusal(principal, request);
      if (why !== null || principal === null) throw new Error(why ?? '');
      return outcomeOf(await server.send(capturedIn(request), request.key, principal));
    },

    async response(given, _operation, request) {
      return stored(
        'error' in given ? failure(given.error) : { data: await checkedData(given, request, server.schema) },
      );
    },
  };
}

interface Answer {
  readonly result: ExecutionResult;
  readonly replayed: boolean;
}

interface Server {
  readonly schema: () => GraphQLSchema;
  send(request: Captured, key: string, principal: GraphQLPrincipal): Promise<Answer>;
}

function serverOf(options: GraphQLReplayerOptions): Server {
  if ('yoga' in options && typeof options.yoga?.fetch === 'function') return yogaServer(options.yoga);
  if ('getEnveloped' in options && typeof options.getEnveloped === 'function')
    return envelopedServer(options.getEnveloped);
  throw new TypeError(
    'Expected `yoga` to be a Yoga server, or `getEnveloped` to be what envelop(...) returns',
  );
}

function yogaServer(yoga: YogaServer): Server {
  return {
    schema: () => yoga.getEnveloped({} as never).schema as GraphQLSchema,
    async send(captured, key, { headers, serverContext }) {
      const response = await yoga.fetch(
        `http://replay${yoga.graphqlEndpoint}`,
        {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json', accept: 'application/json' },
          body: JSON.stringify({ ...captured, extensions: { idempotencyKey: key } }),
        },
        serverContext,
      );
      const replayed = response.headers.get('idempotent-replayed') === 'true';
      return { result: (await response.json()) as ExecutionResult, replayed };
    },
  };
}

function envelopedServer(getEnveloped: GetEnveloped): Server {
  return {
    schema: () => getEnveloped({} as never).schema as GraphQLSchema,
    async send({ query, operationName, variables }, key, { headers = {}, serverContext }) {
      const params = { query, operationName, variables, extensions: { idempotencyKey: key } };
      const request = { method: 'POST', headers };
      const { schema, parse, execute, contextFactory } = getEnveloped({
        request,
        ...serverContext,
        params,
      } as never);
      const document = parse(query);
      const contextValue = await contextFactory();
      const args = { schema, document, contextValue, operationName, variableValues: variables };
      const result = (await execute(args as never)) as ExecutionResult;
      const marker = result.extensions?.idempotency as { replayed?: unknown } | undefined;
      return { result, replayed: marker?.replayed === true };
    },
  };
}

interface Captured {
  readonly query: string;
  readonly operationName?: string;
  readonly variables?: Record<string, unknown>;
}

const capturedIn = ({ body }: CapturedRequest): Captured => JSON.parse(body) as Captured;

function errorsIn(request: CapturedRequest, schema: GraphQLSchema): string | null {
  try {
    const [error] = validate(schema, parse(capturedIn(request).query));
    return error ? `It is no longer valid: ${error.message}` : null;
  } catch (error) {
    return `It can not be read: ${(error as Error).message}`;
  }
}

function outcomeOf({ result: { errors }, replayed }: Answer): string {
  const whose = replayed ? ` ${WON_BY_A_CLIENT}` : '';
  const [error] = errors ?? [];
  if (!error) return `It ran, and succeeded.${whose}`;
  return `It was answered with an error: ${messageOf(error)}.${whose}`;
}

const messageOf = ({ message, extensions }: GraphQLError): string =>
  typeof extensions?.code === 'string' ? `${extensions.code}, ${message}` : message;

const failure = (message: string) => ({ data: null, errors: [['error', { message }]] });

function stored(result: object): StoredResponse {
  const body = JSON.stringify(result);
  return { format: FORMAT, body, bytes: Buffer.byteLength(body) };
}

/** What the captured request would have asked of this data; without the request, an object is all that can be asked for. */
async function checkedData(
  given: Exclude<GivenResponse, { error: string }>,
  request: CapturedRequest | undefined,
  schemaOf: () => GraphQLSchema,
): Promise<unknown> {
  const { data } = given;
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new TypeError('Expected an object: the `data` of a GraphQL result');
  if (!request) return data;
  const { query, operationName, variables } = capturedIn(request);
  const document: DocumentNode = parse(query);
  const { data: checked, errors } = await execute({
    schema: withoutResolvers(schemaOf()),
    document,
    operationName,
    variableValues: variables,
    rootValue: data,
    fieldResolver: (source, _args, _context, { path }) => (source as Record<string, unknown>)[path.key],
    typeResolver: (value) => (value as { __typename?: string }).__typename,
  });
  const [error] = errors ?? [];
  if (error) throw new TypeError(`${error.message} (at ${error.path?.join('.') ?? 'the top'})`);
  return checked;
}

/** The types alone: data is checked by them, and nothing of the host's runs. */
const withoutResolvers = (schema: GraphQLSchema) => buildASTSchema(parse(printSchema(schema)));
