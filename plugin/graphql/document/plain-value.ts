import { Kind, type ValueNode } from 'graphql';
import { exactNumber } from '../../../server/exact-number.ts';
import type { NamedValue, Variables } from './external-value.ts';

/**
 * A value as the client wrote it, for developers to read: no scalar has parsed it, and an enum value is a string. A number
 * in the document that would not be exact as a JavaScript number is its text.
 */
function plainValue(node: ValueNode, variables: Variables): unknown {
  switch (node.kind) {
    case Kind.VARIABLE: {
      const found = variables.find(node.name.value);
      if (!found) return undefined;
      return 'sent' in found ? found.sent : plainValue(found.default, variables);
    }
    case Kind.LIST:
      return node.values.map((value) => plainValue(value, variables));
    case Kind.OBJECT:
      return plainFields(node.fields, variables);
    case Kind.NULL:
      return null;
    case Kind.INT:
    case Kind.FLOAT:
      return exactNumber(node.value);
    default:
      return node.value;
  }
}

/** The arguments of a field in that form, by name. One whose variable was not sent is left out. */
export function plainFields(fields: readonly NamedValue[], variables: Variables): Record<string, unknown> {
  const values = fields.map(({ name, value }) => [name.value, plainValue(value, variables)] as const);
  return Object.fromEntries(values.filter(([, value]) => value !== undefined));
}
