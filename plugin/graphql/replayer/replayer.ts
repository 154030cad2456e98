import { type GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import {
  type CapturedRequest,
  type Replayer,
  scopeRefusal,
  storedBody,
  WON_BY_A_CLIENT,
} from '../../../server/admin/replayer.ts';
import { checkOptions } from '../../../server/engine/check-options.ts';
import { aFunction, anything, type Check } from '../../../server/engine/option-checks.ts';
import { graphqlFormat } from '../../../server/formats/graphql.ts';
import { checkedData } from './given-data.ts';
import { type Answer, type GraphQLPrincipal, type ReplayTarget, serverOf } from './replay-server.ts';

export type GraphQLReplayerOptions = ReplayTarget & {
  /** Finds the principal who sends the captured request now; null when whoever sent it first may not any more. */
  readonly context: (request: CapturedRequest) => GraphQLPrincipal | null | Promise<GraphQLPrincipal | null>;
};

/** Either of the two servers is there; `serverOf` looks at which. */
type AllOptions = Record<'yoga' | 'getEnveloped' | 'context', unknown>;

const CHECKS: Readonly<Record<keyof AllOptions, Check>> = {
  yoga: anything,
  getEnveloped: anything,
  context: {
    expected: 'a function: as whom a request is sent again is your decision',
    accepts: aFunction.accepts,
    required: true,
  },
};

/**
 * Sends captured GraphQL requests through the server's own pipeline, with their key, as a principal that the developer
 * gives. For the `replayers` of `createDashboard`.
 * @example createGraphQLReplayer({ yoga, context: async ({ scope }) => ({ scope, principal: scope, headers: await signedIn(scope) }) })
 */
export function createGraphQLReplayer(options: GraphQLReplayerOptions): Replayer {
  checkOptions<AllOptions>(options, CHECKS, { of: 'createGraphQLReplayer' });
  const { context } = options;
  const server = serverOf(options);

  return {
    format: graphqlFormat.name,

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
      return outcomeOf(await server.send(graphqlFormat.readRequest(request.body), request.key, principal));
    },

    async response(given, _operation, request) {
      const body =
        'error' in given
          ? graphqlFormat.givenFailure(given.error)
          : graphqlFormat.writeResult({ data: await checkedData(given, request, server.schema) });
      return storedBody(graphqlFormat.name, body);
    },
  };
}

function errorsIn(request: CapturedRequest, schema: GraphQLSchema): string | null {
  try {
    const [error] = validate(schema, parse(graphqlFormat.readRequest(request.body).query));
    return error ? `It is no longer valid: ${error.message}` : null;
  } catch (error) {
    return `It can not be read: ${(error as Error).message}`;
  }
}

function outcomeOf({ result: { errors }, replayed }: Answer): string {
  const whose = replayed ? ` ${WON_BY_A_CLIENT}` : '';
  const [error] = errors ?? [];
  if (!error) return `It was answered without an error.${whose}`;
  return `It was answered with an error: ${messageOf(error)}.${whose}`;
}

const messageOf = ({ message, extensions }: GraphQLError): string =>
  typeof extensions?.code === 'string' ? `${extensions.code}, ${message}` : message;
