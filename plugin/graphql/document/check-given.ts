import { type FieldNode, Kind } from 'graphql';
import { isObject } from '../../../server/engine/option-checks.ts';
import { whatCame } from '../../../server/engine/what-came.ts';
import type { FieldNodes } from './root-fields.ts';

/**
 * Checks a field's value that a `resolve` function gave. The client would get an empty object for one that has none of the fields
 * which it asked for, as where a function of one field gives the data of the whole operation.
 * @throws TypeError for a value that can not be this field's
 */
export function checkGiven(value: unknown, nodes: FieldNodes): void {
  if (!nodes.some(({ selectionSet }) => selectionSet)) return;
  const names = namesBelow(nodes);
  for (const item of [value].flat(Number.POSITIVE_INFINITY)) {
    if (item === null) continue;
    if (isObject(item) && (names.length === 0 || names.some((name) => Object.hasOwn(item, name)))) continue;
    const expected = names.length > 0 ? `an object with ${names.join(', ')}` : 'an object';
    const came = isObject(item) ? `one with ${Object.keys(item).join(', ') || 'no field'}` : whatCame(item);
    throw new TypeError(
      `Expected the data of \`resolve\` for ${nodes[0].name.value} to be ${expected}, got ${came}`,
    );
  }
}

/** The names in the answer that the client asks for whatever the value's type is, and whatever its variables say. */
function namesBelow(nodes: readonly FieldNode[]): readonly string[] {
  return nodes.flatMap(({ selectionSet }) =>
    (selectionSet?.selections ?? []).flatMap((node) =>
      node.kind === Kind.FIELD && node.name.value !== '__typename' && !node.directives?.length
        ? [node.alias?.value ?? node.name.value]
        : [],
    ),
  );
}
