import { type ExecutionResult, GraphQLError, type GraphQLSchema } from 'graphql';
import type { FieldNodes, RootFields } from '../document/root-fields.ts';
import { isNonNullMutation } from '../schema/directives.ts';

/** Makes the result that an execution of these fields gives when they fail: null for each, or no data where the schema allows no null. */
export function failed(
  schema: GraphQLSchema,
  fields: RootFields,
  errors: readonly GraphQLError[],
): ExecutionResult {
  const data: Record<string, unknown> = Object.create(null);
  for (const [responseKey, [node]] of fields) {
    if (isNonNullMutation(schema, node.name.value)) return { errors, data: null };
    data[responseKey] = null;
  }
  return { errors, data };
}

/** The error as if the resolver of this field had thrown it. */
export function located(error: GraphQLError, responseKey: string, nodes: FieldNodes): GraphQLError {
  if (error.path) return error;
  const { message, extensions, originalError, cause } = error;
  const placed = new GraphQLError(message, { nodes, path: [responseKey], extensions, originalError });
  if (cause !== undefined) Object.defineProperty(placed, 'cause', { value: cause });
  return placed;
}
