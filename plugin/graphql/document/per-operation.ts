import {
  type DocumentNode,
  type FragmentDefinitionNode,
  getOperationAST,
  Kind,
  type OperationDefinitionNode,
} from 'graphql';

export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

/** The operation that a request executes, unless it names none or no single one. */
export function operationOf(
  document: DocumentNode,
  operationName: unknown,
): OperationDefinitionNode | undefined {
  return (
    getOperationAST(document, typeof operationName === 'string' ? operationName : undefined) ?? undefined
  );
}

export function fragmentsOf({ definitions }: DocumentNode): Fragments {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const node of definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
  }
  return fragments;
}

/** Works something out once per document and operation, because servers cache documents. It may depend on the document only. */
export function perOperation<T>(
  workOut: (operation: OperationDefinitionNode, fragments: Fragments) => T,
): (document: DocumentNode, operation: OperationDefinitionNode) => T {
  const documents = new WeakMap<DocumentNode, Map<OperationDefinitionNode, T>>();
  return (document, operation) => {
    const known = documents.get(document) ?? new Map<OperationDefinitionNode, T>();
    documents.set(document, known);
    if (!known.has(operation)) known.set(operation, workOut(operation, fragmentsOf(document)));
    return known.get(operation) as T;
  };
}
