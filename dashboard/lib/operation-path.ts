/** Makes the address of the page of an operation. Its name is a part of the query: it may hold slashes. */
export function operationPath(operation: string): string {
  return `/operation?${new URLSearchParams({ name: operation })}`;
}
