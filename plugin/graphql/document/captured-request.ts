import {
  type DefinitionNode,
  type DocumentNode,
  Kind,
  type OperationDefinitionNode,
  print,
  type ValueNode,
  visit,
} from 'graphql';
import type { Captured } from '../../../server/call.ts';
import { type GraphQLRequest, graphqlFormat } from '../../../server/formats/graphql.ts';
import { type Hides, REDACTED, withoutNames } from '../../../server/redact.ts';
import { fragmentsOf } from './per-operation.ts';

/**
 * Writes one operation down so that it can be sent again as it is. It has the fragments and variables that it uses, and no others.
 * @throws TypeError for variables that JSON can not hold, such as files
 */
export function capturedRequest(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  raw: unknown,
  hides: Hides | undefined,
): Captured {
  const whole = definitionsOf(document, operation);
  const concealed = new Set<string>();
  const shown = hides ? whole.map((node) => withoutLiterals(node, hides, concealed)) : whole;
  const used = variablesIn(shown);
  const isHidden: Hides = (name) => concealed.has(name) || hides?.(name) === true;
  const sent = Object.entries(raw ?? {}).filter(([name]) => used.has(name));
  const variables = Object.fromEntries(sent);
  const shownVariables = hides ? withoutVariables(variables, isHidden, hides) : variables;
  const query = print({
    kind: Kind.DOCUMENT,
    definitions: shown.map((node) => withUsedVariables(node, used, isHidden)),
  });
  const operationName = operation.name?.value;
  const body: GraphQLRequest = {
    query,
    ...(operationName !== undefined && { operationName }),
    ...(sent.length > 0 && { variables: shownVariables }),
  };
  const redacted =
    shownVariables !== variables ||
    shown.some((node, index) => node !== whole[index]) ||
    operation.variableDefinitions?.some((node) => node.defaultValue && isHidden(node.variable.name.value));
  return { format: graphqlFormat.name, body: graphqlFormat.writeRequest(body), redacted: redacted === true };
}

/** Lists the operation, then each fragment that it leads to. */
function definitionsOf(document: DocumentNode, operation: OperationDefinitionNode): DefinitionNode[] {
  const fragments = fragmentsOf(document);
  const definitions = new Set<DefinitionNode>([operation]);
  for (const definition of definitions) {
    visit(definition, {
      FragmentSpread({ name }) {
        const fragment = fragments.get(name.value);
        if (fragment) definitions.add(fragment);
      },
    });
  }
  return [...definitions];
}

/** Variables that a hidden argument or input field takes are noted in `concealed`, whatever the client called them. */
function withoutLiterals(node: DefinitionNode, hides: Hides, concealed: Set<string>): DefinitionNode {
  const conceal = <Node extends { name: { value: string }; value: ValueNode }>(field: Node) => {
    const { name, value } = field;
    if (!hides(name.value) || value.kind === Kind.NULL) return undefined;
    for (const variable of variablesIn([value])) concealed.add(variable);
    if (value.kind === Kind.VARIABLE) return undefined;
    return { ...field, value: { kind: Kind.STRING, value: REDACTED } };
  };
  return visit(node, { Argument: { enter: conceal }, ObjectField: { enter: conceal } });
}

function withoutVariables(
  variables: Record<string, unknown>,
  isHidden: Hides,
  hides: Hides,
): Record<string, unknown> {
  const shown = withoutNames(variables, hides);
  const entries = Object.entries(shown);
  if (!entries.some(([name, value]) => isHidden(name) && value !== null)) return shown;
  return Object.fromEntries(
    entries.map(([name, value]) => [name, isHidden(name) && value !== null ? REDACTED : value]),
  );
}

function variablesIn(nodes: readonly (DefinitionNode | ValueNode)[]): Set<string> {
  const names = new Set<string>();
  for (const node of nodes) {
    visit(node, {
      VariableDefinition: () => false,
      Variable: ({ name }) => void names.add(name.value),
    });
  }
  return names;
}

/** Leaves out the declarations of variables that are not used: such a variable would be an error when the request is sent again. */
function withUsedVariables(node: DefinitionNode, used: ReadonlySet<string>, isHidden: Hides): DefinitionNode {
  if (node.kind !== Kind.OPERATION_DEFINITION) return node;
  const declared = node.variableDefinitions?.filter(({ variable }) => used.has(variable.name.value)) ?? [];
  return {
    ...node,
    variableDefinitions: declared.map(({ defaultValue, ...definition }) =>
      defaultValue && !isHidden(definition.variable.name.value)
        ? { ...definition, defaultValue }
        : definition,
    ),
  };
}
