import type { ErrorSummary } from '../../formats/error-summary.ts';
import { FORMATS } from '../../formats/formats.ts';

/** Finds the first error in a stored body of any of our formats; undefined when there is none, or when that can not be told. */
export function errorInText(text: string): ErrorSummary | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return FORMATS.flatMap((format) => format.errorsIn(body) ?? [])[0];
  } catch {
    return undefined;
  }
}
