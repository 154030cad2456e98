import { type GraphQLError, type GraphQLSchema, parse, validate } from 'graphql';
import { createRerunner, type RerunAnswer } from '../../../server/admin/rerunners/create-rerunner.ts';
import { type CapturedRequest, type Rerunner, storedBody } from '../../../server/admin/rerunners/rerunner.ts';
import { checkOptions } from '../../../server/engine/check-options.ts';
import { aFunction, anything, type Check } from '../../../server/engine/option-checks.ts';
import { graphqlFormat } from '../../../server/formats/graphql.ts';
import { checkedData } from './given-data.ts';
import { type Answer, type GraphQLRerunActor, type RerunTarget, serverOf } from './rerun-server.ts';

/** The options of `createGraphQLRerunner`: a server, and whom a request is sent as. */
export type GraphQLRerunnerOptions = RerunTarget & {
  /**
   * Says whom a captured request is sent as now; null when whoever sent it first may not any more.
   * @example
   * actAs: async ({ scope }) => ({ scope, label: `user ${scope}`, headers: { authorization: await tokenFor(scope) } })
   */
  readonly actAs: (request: CapturedRequest) => GraphQLRerunActor | null | Promise<GraphQLRerunActor | null>;
};

/** Either of the two servers is there; `serverOf` looks at which. */
type AllOptions = Record<'yoga' | 'getEnveloped' | 'actAs', unknown>;

const CHECKS: Readonly<Record<keyof AllOptions, Check>> = {
  yoga: anything,
  getEnveloped: anything,
  actAs: {
    expected: 'a function: as whom a request is sent again is your decision',
    accepts: aFunction.accepts,
    required: true,
  },
};

/**
 * Makes a rerunner that sends captured GraphQL requests through the server's own pipeline, with their key, as whom the developer says. For
 * the `rerunners` of `createDashboard`.
 * @example
 * createGraphQLRerunner({ yoga, actAs: async ({ scope }) => ({ scope, label: scope, headers: await signedIn(scope) }) })
 * @throws TypeError for an option that is unknown or not what it should be
 * @experimental
 */
export function createGraphQLRerunner(options: GraphQLRerunnerOptions): Rerunner {
  checkOptions<AllOptions>(options, CHECKS, { of: 'createGraphQLRerunner' });
  const { actAs } = options;
  const server = serverOf(options);

  return createRerunner({
    format: graphqlFormat.name,
    actAs,
    problemOf: (request) => problemOf(request, server.schema()),
    fingerprintsOf: ({ scope, key, body }, actor) =>
      server.compare(graphqlFormat.readRequest(body), { scope, key }, actor),
    send: async (request, actor) =>
      answerOf(await server.send(graphqlFormat.readRequest(request.body), request.key, actor)),

    async response(given, _operation, request) {
      const body =
        'error' in given
          ? graphqlFormat.givenFailure(given.error)
          : graphqlFormat.writeResult({ data: await checkedData(given, request, server.schema) });
      return storedBody(graphqlFormat.name, body);
    },
  });
}

/** Null when the schema still takes the operation. */
function problemOf(request: CapturedRequest, schema: GraphQLSchema): string | null {
  try {
    const [error] = validate(schema, parse(graphqlFormat.readRequest(request.body).query));
    return error ? `It is no longer valid: ${error.message}` : null;
  } catch (error) {
    return `It can not be read: ${(error as Error).message}`;
  }
}

function answerOf({ result: { errors }, replayed }: Answer): RerunAnswer {
  const [error] = errors ?? [];
  return { error: error ? messageOf(error) : null, replayed };
}

const messageOf = ({ message, extensions }: GraphQLError): string =>
  typeof extensions?.code === 'string' ? `${extensions.code}, ${message}` : message;
