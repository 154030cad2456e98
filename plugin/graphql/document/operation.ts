import {
  type ArgumentNode,
  type DocumentNode,
  type FieldNode,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import type { Captured } from '../../../server/call.ts';
import type { Hashes } from '../../../server/engine/decide.ts';
import { CANONICAL_FORM, fingerprintOf } from '../../../server/engine/fingerprint.ts';
import { unfingerprintable } from '../../../server/fingerprints/fingerprints.ts';
import type { IsHidden } from '../../../server/formats/redact.ts';
import { pickerOf } from './asked-data.ts';
import { capturedRequest } from './captured-request.ts';
import { checkGiven } from './check-given.ts';
import { Variables } from './external-value.ts';
import type { FileContents } from './file-contents.ts';
import { fragmentsOf, perOperation } from './per-operation.ts';
import { isCall, type RootFields, rootFields } from './root-fields.ts';
import { type Selection, selectionOf } from './selection.ts';

/** A root field that calls something. */
export interface RootCall {
  readonly responseKey: string;
  readonly field: string;
  readonly args: readonly ArgumentNode[];
  readonly node: FieldNode;
}

const selections = perOperation(selectionOf);
const pickers = perOperation(({ selectionSet }, fragments) => pickerOf(selectionSet, fragments));

/** A `Mutation` is an operation as the client sent it: its document and variables, before any coercion. */
export class Mutation {
  /** The client's name for the operation, if it has one. */
  readonly name: string | undefined;
  /** The root fields that this request executes, by their names in the schema, each once, in order. */
  readonly fields: readonly string[];
  /** The root fields that the mutation calls, in order, with the arguments as the client wrote them. */
  readonly calls: readonly RootCall[];
  /** The root fields by response key, with `__typename`. */
  readonly rootFields: RootFields;
  readonly variables: Variables;
  readonly #selection: () => Selection;
  readonly #document: DocumentNode;
  readonly #operation: OperationDefinitionNode;
  readonly #raw: unknown;

  constructor(document: DocumentNode, operation: OperationDefinitionNode, variables: unknown) {
    this.name = operation.name?.value;
    this.variables = new Variables(operation, variables);
    this.rootFields = rootFields(operation, fragmentsOf(document), this.variables);
    this.calls = [...this.rootFields].flatMap(([responseKey, nodes]) => {
      const [node] = nodes;
      const { name, arguments: args = [] } = node;
      return isCall(nodes) ? [{ responseKey, field: name.value, args, node }] : [];
    });
    this.fields = [...new Set(this.calls.map(({ field }) => field))];
    this.#selection = () => selections(document, operation);
    this.#document = document;
    this.#operation = operation;
    this.#raw = variables;
  }

  /** Writes the request down so that it can be sent again. @throws TypeError for variables that can not be written down */
  captured(isHidden: IsHidden | undefined): Captured {
    return capturedRequest(this.#document, this.#operation, this.#raw, isHidden);
  }

  /** Translates hidden names of the schema into names of the answer, where a field may have an alias. */
  hiddenInAnswer(isHidden: IsHidden): IsHidden {
    const aliases = new Set<string>();
    visit(this.#document, {
      Field({ alias, name }) {
        if (alias && isHidden(name.value)) aliases.add(alias.value);
      },
    });
    return (name) => aliases.has(name) || isHidden(name);
  }

  /** Picks from an answer's data what the client asked for. */
  asked(data: unknown): unknown {
    return pickers(this.#document, this.#operation)(data);
  }

  /**
   * Picks from values that a developer gave, by response key, what the client asked for.
   * @throws TypeError for a value that can not be its field's
   */
  given(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
    for (const [responseKey, nodes] of this.rootFields)
      if (isCall(nodes)) checkGiven(values[responseKey], nodes);
    return this.asked(values) as Record<string, unknown>;
  }

  /** Tells whether the mutation uses `@defer` or `@stream` anywhere. */
  get incremental(): boolean {
    return this.#selection().incremental;
  }

  /** The name of the operation in the record. */
  get operation(): string {
    return this.fields.join(', ');
  }

  /**
   * Hashes the shape of the answer: aliases, nested fields with their arguments, fragments, directives.
   * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID, reason `unfingerprintable`
   */
  selections(contents?: FileContents): Hashes {
    const { text, hash, variables } = this.#selection();
    if (variables.length === 0) return [hash];
    const values = variables.map((name) => [name, this.variables.get(name)]);
    try {
      return [fingerprintOf(text, values, CANONICAL_FORM, contents)];
    } catch (cause) {
      throw unfingerprintable(cause);
    }
  }

  /**
   * Puts values that are known by field names under the response keys that this request asked for.
   * @throws TypeError when a field is missing
   */
  dataOf(values: unknown): Record<string, unknown> {
    const known = typeof values === 'object' && values !== null ? values : {};
    return Object.fromEntries(
      this.calls.map(({ field, responseKey }) => {
        if (!Object.hasOwn(known, field))
          throw new TypeError(`Expected the data to be an object with the field ${field}`);
        return [responseKey, (known as Record<string, unknown>)[field]];
      }),
    );
  }
}
