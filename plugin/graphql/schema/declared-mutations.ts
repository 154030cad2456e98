import {
  type DefinitionNode,
  type DocumentNode,
  GraphQLError,
  getLocation,
  Kind,
  type Location,
  OperationTypeNode,
  parse,
  Source,
} from 'graphql';
import { requiresKeyInSdl } from './directives.ts';

/** SDL, of a schema or of a part of it. */
export interface SchemaFile {
  readonly name: string;
  readonly text: string;
}

export interface DeclaredMutation {
  readonly name: string;
  readonly requiresKey: boolean;
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * Lists the mutations that the files of one schema declare. It goes by the text alone: scalars and directives that a server adds
 * in code need not be in it.
 * @throws Error that starts with the file, line and column of a syntax error
 */
export function declaredMutations(files: readonly SchemaFile[]): DeclaredMutation[] {
  const definitions = files.flatMap((file) => parsed(file).definitions);
  const type = mutationType(definitions);
  return definitions.flatMap((node) => {
    if (node.kind !== Kind.OBJECT_TYPE_DEFINITION && node.kind !== Kind.OBJECT_TYPE_EXTENSION) return [];
    if (node.name.value !== type) return [];
    return (node.fields ?? []).map((field) => ({
      name: field.name.value,
      requiresKey: requiresKeyInSdl(field),
      ...placeOf(field.name.loc as Location),
    }));
  });
}

function parsed({ name, text }: SchemaFile): DocumentNode {
  try {
    return parse(new Source(text, name));
  } catch (error) {
    const [location] = error instanceof GraphQLError ? (error.locations ?? []) : [];
    if (!location) throw error;
    throw new Error(`${name}:${location.line}:${location.column} ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/** `Mutation`, unless the schema is written out: then it has the type that it names, or none. */
function mutationType(definitions: readonly DefinitionNode[]): string | undefined {
  const schemas = definitions.filter(
    (node) => node.kind === Kind.SCHEMA_DEFINITION || node.kind === Kind.SCHEMA_EXTENSION,
  );
  const named = schemas
    .flatMap(({ operationTypes = [] }) => operationTypes)
    .find(({ operation }) => operation === OperationTypeNode.MUTATION);
  if (named) return named.type.name.value;
  return schemas.some(({ kind }) => kind === Kind.SCHEMA_DEFINITION) ? undefined : 'Mutation';
}

function placeOf({ source, startToken }: Location): Pick<DeclaredMutation, 'file' | 'line' | 'column'> {
  return { file: source.name, ...getLocation(source, startToken.start) };
}
