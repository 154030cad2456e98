import { type ExecutionArgs, type ExecutionResult, GraphQLError, getVariableValues } from 'graphql';
import { operationOf } from './per-operation.ts';

/** Executors name at most so many errors, and so do we. */
const MOST_ERRORS = 50;

/**
 * The answer to an operation whose variables are not what it declares, as GraphQL.js gives it. Every executor of GraphQL
 * refuses those; asked before one is called, the key is known to be free again for the corrected input.
 */
export function variableErrors({
  schema,
  document,
  operationName,
  variableValues,
  hideSuggestions,
}: ExecutionArgs): ExecutionResult | undefined {
  const definitions = operationOf(document, operationName)?.variableDefinitions ?? [];
  if (definitions.length === 0) return undefined;
  const options = { maxErrors: MOST_ERRORS, ...(hideSuggestions != null && { hideSuggestions }) };
  const { errors } = getVariableValues(schema, definitions, variableValues ?? {}, options);
  return errors && { errors: errors.map(asBadRequest) };
}

/** Gives an error the status that Yoga gives to wrong variables. */
function asBadRequest({ message, nodes = [], originalError, extensions }: GraphQLError): GraphQLError {
  return new GraphQLError(message, {
    nodes,
    ...(originalError && { originalError }),
    extensions: { ...extensions, http: { status: 400 } },
  });
}
