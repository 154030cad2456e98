import { Kind, type OperationDefinitionNode, type ValueNode } from 'graphql';
import { fieldsWithout, itemsWithout, type Path, without } from '../../../server/engine/paths.ts';

/** An argument, or a field of an object literal. */
export interface NamedValue {
  readonly name: { readonly value: string };
  readonly value: ValueNode;
}

/** `Variables` holds the variables of one request as they came over the wire. Coerced ones may be class instances that all look alike. */
export class Variables {
  readonly #raw: object;
  readonly #defaults: ReadonlyMap<string, ValueNode>;

  constructor({ variableDefinitions = [] }: OperationDefinitionNode, raw: unknown) {
    this.#raw = typeof raw === 'object' && raw !== null ? raw : {};
    this.#defaults = new Map(
      variableDefinitions.flatMap(({ variable, defaultValue }) =>
        defaultValue ? [[variable.name.value, defaultValue] as const] : [],
      ),
    );
  }

  /** Finds a variable's value as it was sent, or its default; undefined when it has neither. */
  find(name: string): { readonly sent: unknown } | { readonly default: ValueNode } | undefined {
    if (Object.hasOwn(this.#raw, name)) return { sent: (this.#raw as Record<string, unknown>)[name] };
    const node = this.#defaults.get(name);
    return node && { default: node };
  }

  /** Gives a variable's value in the form of `externalValue`. */
  get(name: string, paths: readonly Path[] = []): unknown {
    const found = this.find(name);
    if (!found) return undefined;
    return 'sent' in found
      ? ['variable', without(found.sent, paths)]
      : externalValue(found.default, this, paths);
  }

  /** Gives what was sent for a string. It may be of any type, because variables are not coerced yet. */
  text(node: ValueNode | undefined): unknown {
    if (node?.kind === Kind.STRING) return node.value;
    if (node?.kind === Kind.NULL) return null;
    if (node?.kind !== Kind.VARIABLE) return undefined;
    const name = node.name.value;
    if (Object.hasOwn(this.#raw, name)) return (this.#raw as Record<string, unknown>)[name];
    return this.text(this.#defaults.get(name));
  }

  /** Tells whether the `if` of `@skip` or `@include` is true. */
  isTrue(node: ValueNode | undefined): boolean {
    if (node?.kind === Kind.BOOLEAN) return node.value;
    if (node?.kind !== Kind.VARIABLE) return false;
    const name = node.name.value;
    if (Object.hasOwn(this.#raw, name)) return (this.#raw as Record<string, unknown>)[name] === true;
    return this.isTrue(this.#defaults.get(name));
  }
}

/**
 * Gives a value as the client wrote it, for hashing. Numbers stay text (9007199254740993 is not 9007199254740992), and each
 * is tagged with what it was, so that no variable can pass for a literal.
 * @param paths what does not count of it
 */
function externalValue(node: ValueNode, variables: Variables, paths: readonly Path[]): unknown {
  switch (node.kind) {
    case Kind.VARIABLE:
      return variables.get(node.name.value, paths);
    case Kind.LIST:
      return [
        'list',
        itemsWithout(node.values, paths, (value, inside) => externalValue(value, variables, inside)),
      ];
    case Kind.OBJECT:
      return ['object', externalFields(node.fields, variables, paths)];
    case Kind.NULL:
      return ['literal', node.kind];
    default:
      return ['literal', node.kind, node.value];
  }
}

export function externalFields(
  fields: readonly NamedValue[],
  variables: Variables,
  paths: readonly Path[],
): object {
  const named = fields.map(({ name, value }) => [name.value, value] as const);
  return Object.fromEntries(
    fieldsWithout(named, paths, (value, inside) => externalValue(value, variables, inside)),
  );
}
