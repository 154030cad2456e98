import type { ErrorSummary } from '../../server/formats/error-summary.ts';
import { FORMATS } from '../../server/formats/formats.ts';

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
  for (const format of FORMATS) {
    const errors = format.errorsIn(body);
    if (errors) return errors;
  }
  return [];
}
