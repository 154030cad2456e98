import type { DocumentNode, FieldNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import { KEY_DIRECTIVE } from './directives.ts';
import type { Mask } from './error-codec.ts';
import { failed, located } from './field-failure.ts';
import type { FieldPolicies } from './field-policies.ts';
import type { FileContents } from './file-contents.ts';
import type { KeyedMutation } from './keyed-execution.ts';
import { Mutation } from './operation.ts';
import { resultCodec } from './result-codec.ts';
import { type FieldNodes, partOf } from './root-fields.ts';

/** What the calls of one operation's fields share. */
interface Around {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly mutation: Mutation;
  readonly variables: unknown;
  readonly policies: FieldPolicies;
  readonly mask: Mask | undefined;
  readonly contents: FileContents | undefined;
  scope(): unknown;
}

/** The keyed root fields of one operation, by response key. */
export type FieldCalls = ReadonlyMap<string, KeyedMutation>;

/**
 * A field with a key of its own has the record that an operation of only this field would have: the same key sent with
 * either form means the same.
 * @throws IdempotencyError KEY_INVALID, reason `unfingerprintable`
 */
export function fieldCalls(keys: ReadonlyMap<string, string>, around: Around): FieldCalls {
  const calls = new Map<string, KeyedMutation>();
  for (const [responseKey, nodes] of around.mutation.rootFields) {
    const key = keys.get(responseKey);
    if (key !== undefined) calls.set(responseKey, fieldCall(key, responseKey, nodes, around));
  }
  return calls;
}

function fieldCall(
  key: string,
  responseKey: string,
  nodes: FieldNodes,
  { schema, document, operation, variables, policies, mask, contents, scope }: Around,
): KeyedMutation {
  const part = partOf(document, operation, nodes.map(asSelected));
  const mutation = new Mutation(part.document, part.operation, variables);
  return {
    given: { key, params: undefined },
    scope,
    operation: mutation.operation,
    fingerprints: mutation.fingerprints(contents),
    selections: mutation.selections(contents),
    policy: policies.of(mutation.fields),
    codec: resultCodec(mutation, mask, (error) =>
      failed(schema, new Map([[responseKey, nodes]]), [located(error, responseKey, nodes)]),
    ),
    capture: (hides) => mutation.captured(hides),
  };
}

/** Without the key, and without conditions: these held. */
function asSelected({ directives = [], ...node }: FieldNode): FieldNode {
  const others = directives.filter(({ name }) => ![KEY_DIRECTIVE, 'skip', 'include'].includes(name.value));
  return { ...node, directives: others };
}
