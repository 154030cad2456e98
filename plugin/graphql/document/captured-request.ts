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
import { type IsHidden, REDACTED, withoutNames } from '../../../server/formats/redact.ts';
import { fragmentsOf } from './per-operation.ts';

/**
 * Writes one operation down so that it can be sent again as it is. It has the fragments and variables that it uses, and no others.
 * @throws TypeError for variables that JSON can not hold, such as files
 */
export function capturedRequest(
  document: DocumentNode,
  operation: OperationDefinitionNode,
  raw: unknown,
  isHidden: IsHidden | undefined,
): Captured {
  const whole = definitionsOf(document, operation);
  const concealed = new Set<string>();
  const shown = isHidden ? whole.map((node) => withoutLiterals(node, isHidden, concealed)) : whole;
  const used = variablesIn(shown);
  const isHiddenVariable: IsHidden = (name) => concealed.has(name) || isHidden?.(name) === true;
  const sent = Object.entries(raw ?? {}).filter(([name]) => used.has(name));
  const variables = Object.fromEntries(sent);
  const shownVariables = isHidden ? withoutVariables(variables, isHiddenVariable, isHidden) : variables;
  const query = print({
    kind: Kind.DOCUMENT,
    definitions: shown.map((node) => withUsedVariables(node, used, isHiddenVariable)),
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
    operation.variableDefinitions?.some(
      (node) => node.defaultValue && isHiddenVariable(node.variable.name.value),
    );
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
function withoutLiterals(node: DefinitionNode, isHidden: IsHidden, concealed: Set<string>): DefinitionNode {
  const conceal = <Node extends { name: { value: string }; value: ValueNode }>(field: Node) => {
    const { name, value } = field;
    if (!isHidden(name.value) || value.kind === Kind.NULL) return undefined;
    for (const variable of variablesIn([value])) concealed.add(variable);
    if (value.kind === Kind.VARIABLE) return undefined;
    return { ...field, value: { kind: Kind.STRING, value: REDACTED } };
  };
  return visit(node, { Argument: { enter: conceal }, ObjectField: { enter: conceal } });
}

function withoutVariables(
  variables: Record<string, unknown>,
  isHiddenVariable: IsHidden,
  isHidden: IsHidden,
): Record<string, unknown> {
  const shown = withoutNames(variables, isHidden);
  const entries = Object.entries(shown);
  if (!entries.some(([name, value]) => isHiddenVariable(name) && value !== null)) return shown;
  return Object.fromEntries(
    entries.map(([name, value]) => [name, isHiddenVariable(name) && value !== null ? REDACTED : value]),
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
function withUsedVariables(
  node: DefinitionNode,
  used: ReadonlySet<string>,
  isHiddenVariable: IsHidden,
): DefinitionNode {
  if (node.kind !== Kind.OPERATION_DEFINITION) return node;
  const declared = node.variableDefinitions?.filter(({ variable }) => used.has(variable.name.value)) ?? [];
  return {
    ...node,
    variableDefinitions: declared.map(({ defaultValue, ...definition }) =>
      defaultValue && !isHiddenVariable(definition.variable.name.value)
        ? { ...definition, defaultValue }
        : definition,
    ),
  };
}
