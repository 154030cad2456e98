import { Kind, type SelectionNode, type SelectionSetNode } from 'graphql';
import { checkKey } from '../../../server/engine/key.ts';
import type { Variables } from '../document/external-value.ts';
import { perOperation } from '../document/per-operation.ts';
import type { RootFields } from '../document/root-fields.ts';
import { unprotectable } from '../host/errors.ts';
import { KEY_DIRECTIVE } from '../schema/directives.ts';

/**
 * Tells whether an operation has `@idempotent` somewhere, also on a skipped field. `misplaced` says that one protects
 * nothing, because its field is not a root field of a mutation.
 */
export const keyDirectives = perOperation((operation, fragments): 'none' | 'placed' | 'misplaced' => {
  let placed = false;
  let misplaced = false;
  // A fragment may be spread at the root and further down: each is looked at once.
  const seen = { root: new Set<string>(), nested: new Set<string>() };
  walk(operation.selectionSet, operation.operation === 'mutation' ? 'root' : 'nested');
  if (misplaced) return 'misplaced';
  return placed ? 'placed' : 'none';

  function walk({ selections }: SelectionSetNode, level: 'root' | 'nested'): void {
    for (const node of selections) visit(node, level);
  }

  function visit(node: SelectionNode, level: 'root' | 'nested'): void {
    if (keysIn(node).length > 0) {
      if (level === 'root' && node.kind === Kind.FIELD && node.name.value !== '__typename') placed = true;
      else misplaced = true;
    }
    switch (node.kind) {
      case Kind.FIELD:
        if (node.selectionSet) walk(node.selectionSet, 'nested');
        return;
      case Kind.INLINE_FRAGMENT:
        walk(node.selectionSet, level);
        return;
      case Kind.FRAGMENT_SPREAD: {
        const fragment = fragments.get(node.name.value);
        if (!fragment || seen[level].has(node.name.value)) return;
        seen[level].add(node.name.value);
        walk(fragment.selectionSet, level);
        return;
      }
      default:
        node satisfies never;
    }
  }
});

/**
 * The keys of the root fields that have one, by response key.
 * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID for a key that can not be used, and for two at one response key
 */
export function fieldKeys(fields: RootFields, variables: Variables): ReadonlyMap<string, string> {
  const keys = new Map<string, string>();
  for (const [responseKey, nodes] of fields) {
    for (const directive of nodes.flatMap(keysIn)) {
      const argument = directive.arguments?.find(({ name }) => name.value === 'key');
      const key = checkKey(variables.text(argument?.value));
      const other = keys.get(responseKey);
      if (other !== undefined && other !== key) {
        throw unprotectable('ambiguous', `${responseKey} is one field, selected with two different keys`);
      }
      keys.set(responseKey, key);
    }
  }
  return keys;
}

function keysIn({ directives = [] }: SelectionNode) {
  return directives.filter(({ name }) => name.value === KEY_DIRECTIVE);
}
