import {
  type DocumentNode,
  type FieldNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Variables } from './external-value.ts';
import type { Fragments } from './per-operation.ts';

/** `RootFields` maps response keys to nodes; a field that is selected more than once has a node for each time. */
export type RootFields = ReadonlyMap<string, FieldNodes>;
export type FieldNodes = readonly [FieldNode, ...FieldNode[]];

/**
 * The root fields that an execution will answer, in its order: fragments looked into, `@skip` and `@include` decided.
 * With `__typename`, which calls nothing.
 */
export function rootFields(
  operation: OperationDefinitionNode,
  fragments: Fragments,
  variables: Variables,
): RootFields {
  const fields = new Map<string, [FieldNode, ...FieldNode[]]>();
  const visited = new Set<string>();
  collect(operation.selectionSet);
  return fields;

  function collect({ selections }: SelectionSetNode): void {
    for (const node of selections) if (isIncluded(node, variables)) visit(node);
  }

  function visit(node: SelectionNode): void {
    switch (node.kind) {
      case Kind.FIELD: {
        const responseKey = node.alias?.value ?? node.name.value;
        const nodes = fields.get(responseKey);
        if (nodes) nodes.push(node);
        else fields.set(responseKey, [node]);
        return;
      }
      case Kind.INLINE_FRAGMENT:
        collect(node.selectionSet);
        return;
      case Kind.FRAGMENT_SPREAD: {
        const fragment = fragments.get(node.name.value);
        if (!fragment || visited.has(node.name.value)) return;
        visited.add(node.name.value);
        collect(fragment.selectionSet);
        return;
      }
      default:
        node satisfies never;
    }
  }
}

/** Tells whether a root field calls something, as all but `__typename` do. */
export function isCall([{ name }]: FieldNodes): boolean {
  return name.value !== '__typename';
}

/**
 * A document in which the operation has no other root fields than these. The nodes are those of the original, so errors
 * and resolvers find their place in it; all variables stay, so one that is wrong stops the first part like the whole.
 * Without `loc`, where some look for the text of the whole.
 */
export function partOf(
  document: DocumentNode,
  { loc: _, ...operation }: OperationDefinitionNode,
  selections: readonly FieldNode[],
): { readonly document: DocumentNode; readonly operation: OperationDefinitionNode } {
  const part: OperationDefinitionNode = {
    ...operation,
    selectionSet: { kind: Kind.SELECTION_SET, selections },
  };
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  return { document: { kind: Kind.DOCUMENT, definitions: [part, ...fragments] }, operation: part };
}

function isIncluded({ directives = [] }: SelectionNode, variables: Variables): boolean {
  return directives.every(({ name, arguments: args = [] }) => {
    if (name.value !== 'skip' && name.value !== 'include') return true;
    return (
      variables.isTrue(args.find((arg) => arg.name.value === 'if')?.value) === (name.value === 'include')
    );
  });
}
