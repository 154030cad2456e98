import type fc from 'fast-check';

/** A `Target` is a part of Latchkey that reads what others have sent or damaged. */
export interface Target {
  readonly name: string;
  /**
   * Counts how often the cases came to what is to be tried, by the name of that. A refusal of everything breaks no promise, so a count of 0
   * says that the cases look at nothing.
   */
  readonly reached: Readonly<Record<string, number>>;
  /** Fails by what it throws: an exception that is none of ours, or an answer that is another record's. */
  readonly property: fc.IAsyncProperty<unknown[]>;
}

/** A refusal in the words of an IdempotencyError, or what came. @throws whatever is none of ours */
export function orRefusal<T>(read: () => T, isOurs: (error: unknown) => boolean): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isOurs(error)) return undefined;
    throw error;
  }
}
