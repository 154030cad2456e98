import type { DocumentNode, FieldNode, GraphQLSchema, OperationDefinitionNode } from 'graphql';
import type { MaybePromise } from '../../../server/engine/maybe-promise.ts';
import type { CallParts } from '../call/call-object.ts';
import { type Caller, type KeyedMutation, keyedMutation } from '../call/keyed-mutation.ts';
import { Mutation } from '../document/operation.ts';
import { type FieldNodes, partOf } from '../document/root-fields.ts';
import { KEY_DIRECTIVE } from '../schema/directives.ts';
import { failed, located } from './field-failure.ts';

/** The calls of one operation's fields share this. */
interface FieldCallsOptions<Context> extends Caller<Context> {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** The call of the whole operation. */
  readonly parts: CallParts<Context>;
  readonly variables: unknown;
  /** The keys by `@idempotent`, by response key. */
  readonly clientKeys: ReadonlyMap<string, string>;
  scopeOf(parts: CallParts<Context>): MaybePromise<string>;
}

/** The keyed root fields of one operation, by response key. */
export type FieldCalls = ReadonlyMap<string, KeyedMutation>;

/**
 * A field with a key of its own has the record that an operation of only this field would have: the same key sent with
 * either form means the same.
 * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID, reason `unfingerprintable`
 * @throws what a developer's `scope` or `fingerprint` function throws
 */
export async function fieldCalls<Context>(
  keys: ReadonlyMap<string, string>,
  options: FieldCallsOptions<Context>,
): Promise<FieldCalls> {
  const calls = new Map<string, KeyedMutation>();
  for (const [responseKey, nodes] of options.parts.mutation.rootFields) {
    const key = keys.get(responseKey);
    if (key !== undefined) calls.set(responseKey, await keyedField(key, responseKey, nodes, options));
  }
  return calls;
}

async function keyedField<Context>(
  key: string,
  responseKey: string,
  nodes: FieldNodes,
  options: FieldCallsOptions<Context>,
): Promise<KeyedMutation> {
  const { schema, document, operation, variables, clientKeys } = options;
  const part = partOf(document, operation, nodes.map(asSelected));
  const mutation = new Mutation(part.document, part.operation, variables);
  const clientKey = clientKeys.get(responseKey) ?? options.parts.clientKey;
  const parts = { ...options.parts, mutation, clientKey };
  return keyedMutation(parts, { scope: await options.scopeOf(parts), key }, options, (error) =>
    failed(schema, new Map([[responseKey, nodes]]), [located(error, responseKey, nodes)]),
  );
}

/** Leaves out the key and the conditions of a field: the conditions held. */
function asSelected({ directives = [], ...node }: FieldNode): FieldNode {
  const others = directives.filter(({ name }) => ![KEY_DIRECTIVE, 'skip', 'include'].includes(name.value));
  return { ...node, directives: others };
}
