import type { DocumentNode, ExecutionResult, GraphQLSchema } from 'graphql';
import type { CapturedRequest, RerunActor } from '../../../server/admin/rerunners/rerunner.ts';
import { isIdempotencyError } from '../../../server/engine/errors.ts';
import type { Fingerprints } from '../../../server/engine/match-of.ts';
import type { GraphQLRequest } from '../../../server/formats/graphql.ts';
import { withRerunKey } from '../../../server/run/rerun-key.ts';
import { askingForComparer, type Comparer } from './comparer.ts';

/** A `GraphQLRerunActor` is whom a request is sent as. */
export interface GraphQLRerunActor extends RerunActor {
  /** These headers tell the server who sends the request: `{ authorization: … }`. */
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

/** `GetEnveloped` is what `envelop(...)` makes, typed by shape. */
type GetEnveloped = (context?: never) => {
  readonly schema: unknown;
  readonly parse: (source: string) => unknown;
  readonly execute: (args: never) => unknown;
  readonly contextFactory: () => unknown;
};

export type RerunTarget = { readonly yoga: YogaServer } | { readonly getEnveloped: GetEnveloped };

export interface Answer {
  readonly result: ExecutionResult;
  readonly replayed: boolean;
}

/** Captured requests are sent to a `RerunServer`. */
export interface RerunServer {
  readonly schema: () => GraphQLSchema;
  send(request: GraphQLRequest, key: string, actor: GraphQLRerunActor): Promise<Answer>;
  /** Makes the context of the request and its fingerprints, as the plugin of the pipeline does. Nothing is executed. */
  compare(
    request: GraphQLRequest,
    known: Pick<CapturedRequest, 'scope' | 'key'>,
    actor: GraphQLRerunActor,
  ): Promise<Fingerprints | undefined>;
}

/** @throws TypeError */
export function serverOf(options: RerunTarget): RerunServer {
  if ('yoga' in options && typeof options.yoga?.fetch === 'function') return yogaServer(options.yoga);
  if ('getEnveloped' in options && typeof options.getEnveloped === 'function')
    return envelopedServer(options.getEnveloped);
  throw new TypeError(
    'Expected `yoga` to be a Yoga server, or `getEnveloped` to be what envelop(...) returns',
  );
}

function yogaServer(yoga: YogaServer): RerunServer {
  return {
    schema: () => yoga.getEnveloped({} as never).schema as GraphQLSchema,
    async send(captured, key, { headers, serverContext }) {
      const response = await yoga.fetch(
        `http://rerun${yoga.graphqlEndpoint}`,
        {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json', accept: 'application/json' },
          body: JSON.stringify({ ...captured, extensions: { idempotencyKey: key } }),
        },
        withRerunKey(serverContext, key),
      );
      const replayed = response.headers.get('idempotent-replayed') === 'true';
      return { result: (await response.json()) as ExecutionResult, replayed };
    },

    async compare(captured, known, { headers, serverContext }) {
      const request = new Request(`http://rerun${yoga.graphqlEndpoint}`, {
        method: 'POST',
        headers: { ...headers },
      });
      try {
        return await comparedBy(yoga.getEnveloped as GetEnveloped, captured, known, {
          request,
          serverContext,
        });
      } catch (error) {
        if (isIdempotencyError(error)) throw error;
        return undefined; // Yoga's own hooks were not called: the context may lack what they bring.
      }
    },
  };
}

function envelopedServer(getEnveloped: GetEnveloped): RerunServer {
  return {
    schema: () => getEnveloped({} as never).schema as GraphQLSchema,
    async send({ query, operationName, variables }, key, { headers = {}, serverContext }) {
      const params = { query, operationName, variables, extensions: { idempotencyKey: key } };
      const request = { method: 'POST', headers };
      const { schema, parse, execute, contextFactory } = getEnveloped({
        request,
        ...withRerunKey(serverContext, key),
        params,
      } as never);
      const document = parse(query);
      const contextValue = await contextFactory();
      const args = { schema, document, contextValue, operationName, variableValues: variables };
      const result = (await execute(args as never)) as ExecutionResult;
      const marker = result.extensions?.idempotency as { replayed?: unknown } | undefined;
      return { result, replayed: marker?.replayed === true };
    },

    compare(captured, known, { headers = {}, serverContext }) {
      return comparedBy(getEnveloped, captured, known, {
        request: { method: 'POST', headers },
        serverContext,
      });
    },
  };
}

interface Surroundings {
  readonly request: unknown;
  readonly serverContext: object | undefined;
}

/** Goes as far as the context of the request, and asks the plugin; undefined where the pipeline has none, or it would not ask for a key. */
async function comparedBy(
  getEnveloped: GetEnveloped,
  { query, operationName, variables }: GraphQLRequest,
  known: Pick<CapturedRequest, 'scope' | 'key'>,
  { request, serverContext }: Surroundings,
): Promise<Fingerprints | undefined> {
  let comparer: Comparer | undefined;
  const params = { query, operationName, variables, extensions: { idempotencyKey: known.key } };
  const asking = askingForComparer(
    { request, ...withRerunKey(serverContext, known.key), params },
    (found) => {
      comparer = found;
    },
  );
  const { schema, parse, contextFactory } = getEnveloped(asking as never);
  if (!comparer) return undefined;
  const document = parse(query) as DocumentNode;
  const contextValue = await contextFactory();
  return comparer(
    { schema: schema as GraphQLSchema, document, contextValue, operationName, variableValues: variables },
    known,
  );
}
