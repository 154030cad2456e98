/** An error summary holds what an operator wants to know first of a stored error. */
export interface ErrorSummary {
  readonly message: string;
  readonly code: string | null;
  readonly path: string | null;
}

const MOST = 5;

/**
 * Finds the errors in a stored body of any of our formats; none when there are none, or when that can not be told.
 */
export function errorsIn(text: string): readonly ErrorSummary[] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return [];
  }
  const { errors, error, status, text: http } = fields(body);
  if (Array.isArray(errors)) return errors.slice(0, MOST).map(summaryOf);
  if (error !== undefined) return [summaryOf(error)];
  if (typeof status === 'number') {
    return [
      {
        message: typeof http === 'string' ? http.slice(0, 300) : `Status ${status}`,
        code: String(status),
        path: null,
      },
    ];
  }
  return [];
}

function summaryOf(error: unknown): ErrorSummary {
  // GraphQL's codec puts its kind before an error: `['error', {…}]`.
  const { message, code, path, extensions, cause } = fields(Array.isArray(error) ? error.at(-1) : error);
  const said = textOf(message) ?? textOf(fields(cause).message) ?? 'An error without a message';
  return {
    message: said,
    code: textOf(fields(extensions).code) ?? textOf(code),
    path: Array.isArray(path) && path.length > 0 ? path.join('.') : null,
  };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}
