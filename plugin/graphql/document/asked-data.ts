import { Kind, type SelectionSetNode } from 'graphql';
import { isObject } from '../../../server/engine/option-checks.ts';
import type { Fragments } from './per-operation.ts';

type Sets = readonly SelectionSetNode[];

/**
 * Makes what picks from an answer's data what the client's document selects. Plugins add to the document that is executed, for themselves
 * (a response cache asks for ids and type names), and take that out again on the way to the client.
 *
 * It follows the data, and not the document, which fragments can make far larger than any answer to it.
 * It gives the same object where there is nothing to take out.
 */
export function pickerOf(operation: SelectionSetNode, fragments: Fragments): (data: unknown) => unknown {
  // By the list that they were found in: that of a field is one list for all items.
  const known = new Map<Sets, ReadonlyMap<string, Sets>>();
  const whole = [operation];
  return (data) => asked(data, whole);

  function asked(value: unknown, sets: Sets): unknown {
    if (sets.length === 0) return value; // a leaf, whatever it holds
    if (Array.isArray(value)) return changed(value, (item) => asked(item, sets));
    if (!isObject(value)) return value;
    const fields = fieldsOf(sets);
    let isSame = true;
    const kept: Record<string, unknown> = Object.create(null);
    for (const [name, child] of Object.entries(value)) {
      const below = fields.get(name);
      if (below) kept[name] = asked(child, below);
      if (!below || kept[name] !== child) isSame = false;
    }
    return isSame ? value : kept;
  }

  function fieldsOf(sets: Sets): ReadonlyMap<string, Sets> {
    const found = known.get(sets) ?? selected(sets, fragments);
    known.set(sets, found);
    return found;
  }
}

function changed(items: readonly unknown[], change: (item: unknown) => unknown): readonly unknown[] {
  const made = items.map(change);
  return made.every((item, index) => item === items[index]) ? items : made;
}

/** Maps each response key to what is selected below it, for all types that a fragment may be for: perhaps more than the data has. */
function selected(sets: Sets, fragments: Fragments): ReadonlyMap<string, Sets> {
  const fields = new Map<string, SelectionSetNode[]>();
  const seen = new Set<string>();
  for (const set of sets) walk(set);
  return fields;

  function walk({ selections }: SelectionSetNode): void {
    for (const node of selections) {
      switch (node.kind) {
        case Kind.FIELD: {
          const name = node.alias?.value ?? node.name.value;
          const below = fields.get(name) ?? [];
          if (node.selectionSet) below.push(node.selectionSet);
          fields.set(name, below);
          break;
        }
        case Kind.INLINE_FRAGMENT:
          walk(node.selectionSet);
          break;
        case Kind.FRAGMENT_SPREAD: {
          const fragment = fragments.get(node.name.value);
          if (!fragment || seen.has(node.name.value)) break;
          seen.add(node.name.value);
          walk(fragment.selectionSet);
          break;
        }
        default:
          node satisfies never;
      }
    }
  }
}
