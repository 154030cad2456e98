import {
  type ExecutionArgs,
  type ExecutionResult,
  GraphQLError,
  getVariableValues,
  type OperationDefinitionNode,
} from 'graphql';
import { operationOf } from './per-operation.ts';

/** Executors name at most so many errors, and so do we. */
const MOST_ERRORS = 50;

/** Variables are coerced by these parts of what is executed. */
export type VariableArgs = Pick<ExecutionArgs, 'schema' | 'variableValues' | 'hideSuggestions'>;

/** GraphQL.js 16 gives `coerced`, and 17 gives `variableValues`; its own functions take what it gave. */
interface Coerced {
  readonly errors?: readonly GraphQLError[];
  readonly coerced?: Readonly<Record<string, unknown>>;
  readonly variableValues?: Readonly<Record<string, unknown>>;
}

/**
 * The answer to an operation whose variables are not what it declares, as GraphQL.js gives it. Every executor of GraphQL
 * refuses those; asked before one is called, the key is known to be free again for the corrected input.
 */
export function variableErrors(args: ExecutionArgs): ExecutionResult | undefined {
  const operation = operationOf(args.document, args.operationName);
  if (!operation) return undefined;
  const coerced = coercedVariables(args, operation);
  return 'errors' in coerced ? coerced : undefined;
}

/** Coerces the variables of an operation; each error has the status that Yoga gives to wrong variables. */
export function coercedVariables(
  { schema, variableValues, hideSuggestions }: VariableArgs,
  { variableDefinitions = [] }: OperationDefinitionNode,
): { readonly errors: readonly GraphQLError[] } | { readonly values: Readonly<Record<string, unknown>> } {
  if (variableDefinitions.length === 0) return { values: {} };
  const options = { maxErrors: MOST_ERRORS, ...(hideSuggestions != null && { hideSuggestions }) };
  const made: Coerced = getVariableValues(schema, variableDefinitions, variableValues ?? {}, options);
  if (made.errors) return { errors: made.errors.map(asBadRequest) };
  return { values: made.variableValues ?? made.coerced ?? {} };
}

/** Gives an error the status that Yoga gives to wrong variables. */
export function asBadRequest({ message, nodes = [], originalError, extensions }: GraphQLError): GraphQLError {
  return new GraphQLError(message, {
    nodes,
    ...(originalError && { originalError }),
    extensions: { ...extensions, http: { status: 400 } },
  });
}
