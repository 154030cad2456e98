import type { ErrorSummary } from './error-summary.ts';

/**
 * A `Format` says what the bodies of one adapter look like in a record. It is pure, so that the adapters, the dashboard's server and
 * the page in the browser read the same rules. Records outlive releases: another form needs another name.
 */
export interface Format {
  /** The name and version, as a record has them: `graphql/1`. */
  readonly name: string;
  /**
   * Writes the result of a success that an operator gives. The JSON stays the text that was given, so that its numbers keep all their
   * digits.
   * @throws TypeError that says what was expected of it
   */
  givenSuccess(json: string): string;
  /** Writes the result of a failure that an operator gives. */
  givenFailure(message: string): string;
  /** Finds the errors in the JSON of a result; undefined when it is no failure of this format. It takes what is damaged, too. */
  errorsIn(body: unknown): readonly ErrorSummary[] | undefined;
}
