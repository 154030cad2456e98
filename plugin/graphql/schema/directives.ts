import { type FieldDefinitionNode, type GraphQLField, type GraphQLSchema, isNonNullType } from 'graphql';

/** The directive on a field of a mutation that carries that field's own key. */
export const KEY_DIRECTIVE = 'idempotent';
const REQUIRED_DIRECTIVE = 'requiresIdempotencyKey';

/**
 * The SDL of two directives, to be added to your schema. `@idempotent(key:)` is for clients, on root fields of mutations; `@requiresIdempotencyKey` is for the schema.
 *
 * @example
 * createSchema({ typeDefs: [idempotencyDirectives, typeDefs], resolvers })
 */
export const idempotencyDirectives = `"""
Runs this field of a mutation once for its key, and answers retries from its record.
"""
directive @${KEY_DIRECTIVE}(key: String!) on FIELD

"""
This mutation is refused without an idempotency key.
"""
directive @${REQUIRED_DIRECTIVE} on FIELD_DEFINITION
`;

/**
 * Lists the mutations of a schema that do not carry `@requiresIdempotencyKey`, in its order: for a test that keeps the list
 * of exceptions short. What the `require` option says is not in it.
 *
 * @example
 * expect(unprotectedMutations(schema)).toEqual(['setTheme'])
 */
export function unprotectedMutations(schema: GraphQLSchema): string[] {
  const required = mutationsRequiringKey(schema);
  return mutationsOf(schema).flatMap(({ name }) => (required.has(name) ? [] : [name]));
}

const requiring = new WeakMap<GraphQLSchema, ReadonlySet<string>>();

/** Finds the mutations that carry `@requiresIdempotencyKey`. */
export function mutationsRequiringKey(schema: GraphQLSchema): ReadonlySet<string> {
  let names = requiring.get(schema);
  if (!names) {
    names = new Set(mutationsOf(schema).flatMap((field) => (requiresKey(field) ? [field.name] : [])));
    requiring.set(schema, names);
  }
  return names;
}

export function requiresKeyInSdl({ directives = [] }: FieldDefinitionNode): boolean {
  return directives.some(({ name }) => name.value === REQUIRED_DIRECTIVE);
}

/** Tells whether a mutation that fails leaves no data at all. One that the schema does not have is not executed. */
export function isNonNullMutation(schema: GraphQLSchema, name: string): boolean {
  return isNonNullType(schema.getMutationType()?.getFields()[name]?.type);
}

type Field = GraphQLField<unknown, unknown>;

function mutationsOf(schema: GraphQLSchema): readonly Field[] {
  return Object.values(schema.getMutationType()?.getFields() ?? {});
}

/**
 * Finds the directive in SDL, or in the `extensions` of a schema made by code: `{ directives: { requiresIdempotencyKey: {} } }`, also as a
 * list of `{ name }`, as GraphQL Tools and most builders have it.
 */
function requiresKey({ astNode, extensions }: Field): boolean {
  if (astNode && requiresKeyInSdl(astNode)) return true;
  const { directives } = extensions as { directives?: unknown };
  if (Array.isArray(directives))
    return directives.some((directive) => directive?.name === REQUIRED_DIRECTIVE);
  return (
    typeof directives === 'object' && directives !== null && Object.hasOwn(directives, REQUIRED_DIRECTIVE)
  );
}
