const MOST = 100;

/**
 * Finds all errors in an outcome: the error itself, or those in a result, and what caused each. Where errors are values
 * (an ExecutionResult) or are wrapped (a TRPCError), the driver's own error is found like this.
 */
export function errorsIn(outcome: unknown): readonly unknown[] {
  const found = [outcome];
  // The list grows while it is walked.
  for (const value of found) {
    for (const inner of [...fieldsOf(value, ['originalError', 'cause', 'error']), ...listIn(value)]) {
      if (found.length < MOST && !found.includes(inner)) found.push(inner);
    }
  }
  return found;
}

function listIn(value: unknown): readonly unknown[] {
  const [list] = fieldsOf(value, ['errors']);
  return Array.isArray(list) ? list : [];
}

/** Reads fields of somebody else's object, whose getters may throw. */
function fieldsOf(value: unknown, names: readonly string[]): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  return names.flatMap((name) => {
    try {
      const field = (value as Record<string, unknown>)[name];
      return typeof field === 'object' && field !== null ? [field] : [];
    } catch {
      return [];
    }
  });
}
