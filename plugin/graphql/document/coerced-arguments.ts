import { type FieldNode, GraphQLError, getArgumentValues, type OperationDefinitionNode } from 'graphql';
import { asBadRequest, coercedVariables, type VariableArgs } from './variable-errors.ts';

/** Arguments that the schema does not take: the operation is answered with these errors, as an executor would. */
export class ArgumentsRefused extends GraphQLError {
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly [GraphQLError, ...GraphQLError[]]) {
    const [{ message, nodes, extensions, originalError }] = errors;
    super(message, { nodes: nodes ?? null, extensions, originalError: originalError ?? null });
    this.errors = errors;
  }
}

/** `CoercedArguments` gives the arguments of root fields as their resolvers get them; each is worked out when it is asked for. */
export class CoercedArguments {
  readonly #args: VariableArgs;
  readonly #operation: OperationDefinitionNode;
  readonly #known = new Map<FieldNode, Readonly<Record<string, unknown>>>();

  constructor(args: VariableArgs, operation: OperationDefinitionNode) {
    this.#args = args;
    this.#operation = operation;
  }

  /** @throws ArgumentsRefused */
  readonly of = (node: FieldNode): Readonly<Record<string, unknown>> => {
    const made = this.#known.get(node) ?? this.#coerced(node);
    this.#known.set(node, made);
    return made;
  };

  #coerced(node: FieldNode): Readonly<Record<string, unknown>> {
    const variables = coercedVariables(this.#args, this.#operation);
    if ('errors' in variables) throw refusedBy(variables.errors);
    const field = this.#args.schema.getMutationType()?.getFields()[node.name.value];
    if (!field) {
      const message = `Cannot query field "${node.name.value}" on type "Mutation".`;
      throw refusedBy([asBadRequest(new GraphQLError(message, { nodes: node }))]);
    }
    try {
      return getArgumentValues(field, node, variables.values);
    } catch (error) {
      throw error instanceof GraphQLError ? refusedBy([asBadRequest(error)]) : error;
    }
  }
}

function refusedBy(errors: readonly GraphQLError[]): ArgumentsRefused {
  return new ArgumentsRefused(errors as readonly [GraphQLError, ...GraphQLError[]]);
}
