import {
  type DefinitionNode,
  Kind,
  type OperationDefinitionNode,
  print,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { tagged } from '../../../server/engine/fingerprint.ts';
import type { Fragments } from './per-operation.ts';

/** A `Selection` decides the shape of an answer, apart from the data. */
export interface Selection {
  /** Printed, so that layout and comments do not count; root arguments left out, for they are the fingerprint's. */
  readonly text: string;
  /** The hash of the text. */
  readonly hash: string;
  /** The variables that it mentions: their values belong to it. */
  readonly variables: readonly string[];
  readonly incremental: boolean;
}

export function selectionOf(operation: OperationDefinitionNode, fragments: Fragments): Selection {
  const { kind, operation: type, directives = [] } = operation;
  const selectionSet = withoutArguments(operation.selectionSet, fragments, new Set());
  const definitions: DefinitionNode[] = [{ kind, operation: type, directives, selectionSet }];
  const variables = new Set<string>();
  const spreads = new Set<string>();
  let incremental = false;
  // Grows while it is walked: each fragment that is mentioned follows, once.
  for (const definition of definitions) {
    visit(definition, {
      Variable: ({ name }) => void variables.add(name.value),
      Directive({ name }) {
        if (name.value === 'defer' || name.value === 'stream') incremental = true;
      },
      FragmentSpread({ name }) {
        const fragment = fragments.get(name.value);
        if (!fragment || spreads.has(name.value)) return;
        spreads.add(name.value);
        definitions.push(fragment);
      },
    });
  }
  const text = print({ kind: Kind.DOCUMENT, definitions });
  return { text, hash: tagged(text), variables: [...variables], incremental };
}

/**
 * Root fields may stand in fragments: those are put in place, the first time that they are mentioned. (The second time
 * adds nothing, and following it again would let a short document grow without bounds.)
 */
function withoutArguments(
  { selections, ...set }: SelectionSetNode,
  fragments: Fragments,
  seen: Set<string>,
): SelectionSetNode {
  return { ...set, selections: selections.map(withoutRootArguments) };

  function withoutRootArguments(node: SelectionNode): SelectionNode {
    if (node.kind === Kind.FIELD) return { ...node, arguments: [] };
    if (node.kind === Kind.INLINE_FRAGMENT) {
      return { ...node, selectionSet: withoutArguments(node.selectionSet, fragments, seen) };
    }
    const fragment = fragments.get(node.name.value);
    if (!fragment || seen.has(node.name.value)) return { ...node, kind: Kind.FRAGMENT_SPREAD };
    seen.add(node.name.value);
    return {
      kind: Kind.INLINE_FRAGMENT,
      typeCondition: fragment.typeCondition,
      directives: [...(node.directives ?? []), ...(fragment.directives ?? [])],
      selectionSet: withoutArguments(fragment.selectionSet, fragments, seen),
    };
  }
}
