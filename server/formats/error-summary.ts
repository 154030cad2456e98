/** An error summary holds what an operator wants to know first of a stored error. */
export interface ErrorSummary {
  readonly message: string;
  readonly code: string | null;
  readonly path: string | null;
}

/** Summarises an error of GraphQL or tRPC. Anything may stand in its place: it may come from another server, or be damaged. */
export function summaryOf(error: unknown): ErrorSummary {
  const { message, code, path, extensions, cause } = fieldsOf(error);
  return {
    message: textOf(message) ?? textOf(fieldsOf(cause).message) ?? 'An error without a message',
    code: textOf(fieldsOf(extensions).code) ?? textOf(code),
    path: Array.isArray(path) && path.length > 0 ? path.join('.') : null,
  };
}

/** Reads the fields of an object; anything else has none. */
export function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
