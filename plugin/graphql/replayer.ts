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
import type { StoredBody } from '../../server/engine/record.ts';

export interface GraphQLPrincipal extends ReplayPrincipal {
  /** What the server tells it by: `{ authorization: … }`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Yoga's server context, for a host that puts the session there. */
  readonly serverContext?: object;
}

/** The parts of a Yoga server that are used, by shape. */
interface YogaServer {
  readonly graphqlEndpoint: string;
  fetch(url: string, init: RequestInit, serverContext?: object): Response | Promise<Response>;
  readonly getEnveloped: (context?: never) => { readonly schema: unknown };
}

export interface GraphQLReplayerOptions {
  readonly yoga: YogaServer;
  /** Who sends it now; null when whoever sent it may not any more. Gets what was captured. */
  readonly context: (request: CapturedRequest) => GraphQLPrincipal | null | Promise<GraphQLPrincipal | null>;
}

const FORMAT = 'graphql/1';

/**
 * Sends captured GraphQL requests through the server's own pipeline, with their key, as a principal that the developer
 * gives. For the `replayers` of `createDashboard`.
 * @example createGraphQLReplayer({ yoga, context: async ({ scope }) => ({ scope, principal: scope, headers: await signedIn(scope) }) })
 */
export function createGraphQLReplayer({ yoga, context }: GraphQLReplayerOptions): Replayer {
  if (typeof yoga?.fetch !== 'function' || typeof yoga.getEnveloped !== 'function')
    throw new TypeError('Expected `yoga` to be a Yoga server, as createYoga(...) makes it');
  if (typeof context !== 'function')
    throw new TypeError(
      'Expected `context` to be a function: as whom a request is sent again is your decision',
    );
  const schemaOf = () => yoga.getEnveloped({} as never).schema as GraphQLSchema;

  return {
    format: FORMAT,

    async check(request) {
      const principal = await context(request);
      const why = scopeRefusal(principal, request) ?? errorsIn(request, schemaOf());
      const who = principal?.principal;
      return why === null
        ? { possible: true, principal: who ?? '' }
        : { possible: false, why, ...(who !== undefined && { principal: who }) };
    },

    async run(request) {
      const principal = await context(request);
      const why = scopeRefusal(principal, request);
      if (why !== null) throw new Error(why);
      const { query, operationName, variables } = capturedIn(request);
      const body = { query, operationName, variables, extensions: { idempotencyKey: request.key } };
      const response = await yoga.fetch(
        `http://replay${yoga.graphqlEndpoint}`,
        {
          method: 'POST',
          headers: { ...principal?.headers, 'content-type': 'application/json', accept: 'application/json' },
          body: JSON.stringify(body),
        },
        principal?.serverContext,
      );
      return outcomeOf((await response.json()) as ExecutionResult, response.headers);
    },

    async response(given, _operation, request) {
      return stored(
        'error' in given ? failure(given.error) : { data: await checkedData(given, request, schemaOf) },
      );
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

function outcomeOf({ errors }: ExecutionResult, headers: Headers): string {
  const replayed = headers.get('idempotent-replayed') === 'true' ? ` ${WON_BY_A_CLIENT}` : '';
  const [error] = errors ?? [];
  if (!error) return `It ran, and succeeded.${replayed}`;
  return `It was answered with an error: ${messageOf(error)}.${replayed}`;
}

const messageOf = ({ message, extensions }: GraphQLError): string =>
  typeof extensions?.code === 'string' ? `${extensions.code}, ${message}` : message;

const failure = (message: string) => ({ data: null, errors: [['error', { message }]] });

function stored(result: object): StoredBody {
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
