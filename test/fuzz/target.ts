import type fc from 'fast-check';

/** A `Target` is a part of Latchkey that reads what others have sent or damaged. */
export interface Target {
  readonly name: string;
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
