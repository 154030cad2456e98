import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';
import type { Hashes } from '../../server/engine/decide.ts';
import { fingerprintOf, tagged } from '../../server/engine/fingerprint.ts';
import { unprotectable } from './errors.ts';
import { externalValue, Variables } from './external-value.ts';
import { rootFields } from './root-fields.ts';
import { type Selection, selectionOf } from './selection.ts';

/** What a `require` function is shown. */
export interface MutationOperation {
  /** As the client named it, if at all. */
  readonly name: string | undefined;
  /** The root fields that this request executes, by their names in the schema, each once, in order. */
  readonly fields: readonly string[];
}

/** What the document alone says: worked out once per document and operation, since servers cache documents. */
interface Outline {
  readonly operation: OperationDefinitionNode;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly selection: Selection;
}

const outlines = new WeakMap<DocumentNode, Map<OperationDefinitionNode, Outline>>();

function outlineOf(document: DocumentNode, operation: OperationDefinitionNode): Outline {
  const known = outlines.get(document) ?? new Map<OperationDefinitionNode, Outline>();
  outlines.set(document, known);
  let outline = known.get(operation);
  if (!outline) {
    const fragments = new Map<string, FragmentDefinitionNode>();
    for (const node of document.definitions) {
      if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
    }
    outline = { operation, fragments, selection: selectionOf(operation, fragments) };
    known.set(operation, outline);
  }
  return outline;
}

/** One mutation as a client asked for it: the document and the variables as they came, before any coercion. */
export class Mutation implements MutationOperation {
  readonly name: string | undefined;
  readonly fields: readonly string[];
  readonly #outline: Outline;
  readonly #variables: Variables;
  readonly #nodes: readonly FieldNode[];

  constructor(document: DocumentNode, operation: OperationDefinitionNode, variables: unknown) {
    this.name = operation.name?.value;
    this.#outline = outlineOf(document, operation);
    this.#variables = new Variables(operation, variables);
    this.#nodes = rootFields(operation, this.#outline.fragments, this.#variables);
    this.fields = [...new Set(this.#nodes.map((node) => node.name.value))];
  }

  /** Whether it uses `@defer` or `@stream`, wherever. */
  get incremental(): boolean {
    return this.#outline.selection.incremental;
  }

  /** The name in the record. */
  get operation(): string {
    return this.fields.join(', ');
  }

  /**
   * Of what the mutation does: its root fields in order, with the arguments as the client wrote them. Aliases, the
   * operation's name and the names of variables do not count; nor do the schema's own defaults, which a deploy may change.
   * @throws IdempotencyError KEY_INVALID, reason `unfingerprintable`
   */
  fingerprints(): Hashes {
    const fields = this.#nodes.map(({ name, arguments: args = [] }) => [
      name.value,
      Object.fromEntries(args.map((arg) => [arg.name.value, externalValue(arg.value, this.#variables)])),
    ]);
    return [fingerprint(this.operation, ['mutation', fields])];
  }

  /**
   * Of what the answer looks like: aliases, nested fields with their arguments, fragments, directives.
   * @throws IdempotencyError KEY_INVALID, reason `unfingerprintable`
   */
  selections(): Hashes {
    const { text, variables } = this.#outline.selection;
    if (variables.length === 0) return [tagged(text)];
    return [
      fingerprint(
        text,
        variables.map((name) => [name, this.#variables.get(name)]),
      ),
    ];
  }

  /**
   * What is known by the names of fields, under the response keys that this request asked for.
   * @throws TypeError when a field is missing
   */
  dataOf(values: unknown): Record<string, unknown> {
    const known = typeof values === 'object' && values !== null ? values : {};
    return Object.fromEntries(
      this.#nodes.map(({ name: { value: name }, alias }) => {
        if (!Object.hasOwn(known, name))
          throw new TypeError(`Expected the data to be an object with the field ${name}`);
        return [alias?.value ?? name, (known as Record<string, unknown>)[name]];
      }),
    );
  }
}

/** The operation that a request executes, unless it names none or no single one. */
export function operationOf(
  document: DocumentNode,
  operationName: unknown,
): OperationDefinitionNode | undefined {
  return (
    getOperationAST(document, typeof operationName === 'string' ? operationName : undefined) ?? undefined
  );
}

function fingerprint(operation: string, args: unknown): string {
  try {
    return fingerprintOf(operation, args);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw unprotectable(
      'unfingerprintable',
      `This operation can not be bound to an idempotency key: ${why}`,
      cause,
    );
  }
}
