import { buildASTSchema, execute, type GraphQLSchema, parse, printSchema } from 'graphql';
import type { CapturedRequest, GivenResponse } from '../../../server/admin/rerunners/rerunner.ts';
import { graphqlFormat } from '../../../server/formats/graphql.ts';

/** Checks data that an operator gives, and picks what the captured request asks of it. Without that request, it only has to be an object. */
export async function checkedData(
  given: Exclude<GivenResponse, { error: string }>,
  request: CapturedRequest | undefined,
  schemaOf: () => GraphQLSchema,
): Promise<Record<string, unknown>> {
  const { data } = given;
  if (typeof data !== 'object' || data === null || Array.isArray(data))
    throw new TypeError('Expected an object: the `data` of a GraphQL result');
  if (!request) return data as Record<string, unknown>;
  const { query, operationName, variables } = graphqlFormat.readRequest(request.body);
  const document = parse(query);
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
  return checked as Record<string, unknown>;
}

/** The types alone: data is checked by them, and nothing of the host's runs. */
const withoutResolvers = (schema: GraphQLSchema) => buildASTSchema(parse(printSchema(schema)));
