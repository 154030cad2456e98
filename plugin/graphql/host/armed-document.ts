import { randomBytes } from 'node:crypto';
import {
  type DocumentNode,
  Kind,
  type Location,
  type OperationDefinitionNode,
  print,
  Source,
  type VariableDefinitionNode,
} from 'graphql';
import { operationOf } from '../document/per-operation.ts';

// Made anew in each process: a client that could send it would get past what it is for.
const NAME = `useIdempotency_is_passed_by_${randomBytes(8).toString('hex')}`;

const VARIABLE: VariableDefinitionNode = {
  kind: Kind.VARIABLE_DEFINITION,
  variable: { kind: Kind.VARIABLE, name: { kind: Kind.NAME, value: NAME } },
  type: {
    kind: Kind.NON_NULL_TYPE,
    type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: 'Boolean' } },
  },
};

const armedDocuments = new WeakMap<DocumentNode, Map<OperationDefinitionNode, DocumentNode>>();
const disarmedDocuments = new WeakMap<DocumentNode, DocumentNode>();
const locations = new WeakMap<Location, Location>();

/**
 * The document with a required variable that nobody gives. An executor, in this process or behind HTTP, refuses the
 * operation by the rules of GraphQL before it runs anything; only our own function takes the variable away (`disarmed`).
 */
export function armed(document: DocumentNode, operationName: unknown): DocumentNode {
  const operation = operationOf(document, operationName);
  if (!operation || isArmed(operation)) return document;
  const known = armedDocuments.get(document) ?? new Map<OperationDefinitionNode, DocumentNode>();
  armedDocuments.set(document, known);
  const made = known.get(operation) ?? arm(document, operation);
  known.set(operation, made);
  return made;
}

/** The document as it was, with what plugins in between have made of it: a cache adds to the selection, for example. */
export function disarmed(document: DocumentNode): DocumentNode {
  const known = disarmedDocuments.get(document);
  if (known) return known;
  if (!document.definitions.some((node) => node.kind === Kind.OPERATION_DEFINITION && isArmed(node)))
    return document;
  const definitions = document.definitions.map((node) =>
    node.kind === Kind.OPERATION_DEFINITION && isArmed(node) ? disarmedOperation(node) : node,
  );
  const loc = document.loc && (locations.get(document.loc) ?? document.loc);
  const made = { ...document, definitions, ...(loc && { loc }) };
  disarmedDocuments.set(document, made);
  return made;
}

/** Tells whether one of these errors is the refusal of an armed document. */
export function speaksOfArms(errors: readonly unknown[]): boolean {
  return errors.some((error) => String((error as { message?: unknown } | null)?.message).includes(NAME));
}

function arm(document: DocumentNode, operation: OperationDefinitionNode): DocumentNode {
  const variableDefinitions = [...(operation.variableDefinitions ?? []), VARIABLE];
  const definitions = document.definitions.map((node) =>
    node === operation ? { ...operation, variableDefinitions } : node,
  );
  const { loc, ...rest } = document;
  const made = { ...rest, definitions, ...(loc && { loc: armedLocation(loc, { ...rest, definitions }) }) };
  disarmedDocuments.set(made, document);
  return made;
}

/** Some executors send the text that was parsed: it has to have the variable, too. */
function armedLocation(loc: Location, document: DocumentNode): Location {
  const source = new Source(print(document));
  const made: Location = Object.assign(Object.create(Object.getPrototypeOf(loc)), loc, { source });
  locations.set(made, loc);
  return made;
}

const isVariable = ({ variable }: VariableDefinitionNode) => variable.name.value === NAME;

function isArmed({ variableDefinitions = [] }: OperationDefinitionNode): boolean {
  return variableDefinitions.some(isVariable);
}

function disarmedOperation({ variableDefinitions = [], ...rest }: OperationDefinitionNode) {
  return { ...rest, variableDefinitions: variableDefinitions.filter((node) => !isVariable(node)) };
}
