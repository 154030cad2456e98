import {
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Variables } from './external-value.ts';

/**
 * The root fields that an execution will call, in its order: fragments looked into, `@skip` and `@include` decided, one
 * node for each response key. Without `__typename`, which calls nothing.
 */
export function rootFields(
  operation: OperationDefinitionNode,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  variables: Variables,
): readonly FieldNode[] {
  const fields = new Map<string, FieldNode>();
  const visited = new Set<string>();
  collect(operation.selectionSet);
  return [...fields.values()];

  function collect({ selections }: SelectionSetNode): void {
    for (const node of selections) if (isIncluded(node, variables)) visit(node);
  }

  function visit(node: SelectionNode): void {
    switch (node.kind) {
      case Kind.FIELD: {
        const responseKey = node.alias?.value ?? node.name.value;
        if (node.name.value !== '__typename' && !fields.has(responseKey)) fields.set(responseKey, node);
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

function isIncluded({ directives = [] }: SelectionNode, variables: Variables): boolean {
  return directives.every(({ name, arguments: args = [] }) => {
    if (name.value !== 'skip' && name.value !== 'include') return true;
    return (
      variables.isTrue(args.find((arg) => arg.name.value === 'if')?.value) === (name.value === 'include')
    );
  });
}
