import { HISTORY_LIMIT, NEVER } from '../../engine/record.ts';
import type { Document } from '../database.ts';

export type Expression = string | Document | Date;

/** The server's clock; the same for all statements of a command. */
export const NOW = '$$NOW';
/** Somebody may have edited it. */
export const HISTORY = { $cond: [{ $isArray: '$history' }, '$history', []] };

/** True where the record has finished steps, as `claimed` keeps them. */
export const HAS_STEPS: Document = { $ne: [{ $ifNull: ['$steps', []] }, []] };

interface Entry {
  readonly event: string;
  readonly at: Expression;
  readonly [field: string]: unknown;
}

/** The history with one more entry, about the record as it was before the statement unless it says otherwise. */
export function withEntry(entry: Entry, history: Expression = HISTORY): Document {
  const whole = { owner: '$owner', fence: '$fence', ...entry };
  return { $slice: [{ $concatArrays: [history, [whole]] }, -HISTORY_LIMIT] };
}

/** A sum with a constant that is null is null. */
export const orNever = (date: Document): Document => ({ $ifNull: [date, NEVER] });
export const orMissing = (constant: string): Document => ({ $ifNull: [constant, '$$REMOVE'] });

/** The value of the first condition that holds. */
export function choose(
  cases: readonly (readonly [condition: Document, value: unknown])[],
  otherwise: unknown,
): Document {
  const branches = cases.map(([condition, value]) =>
    // biome-ignore lint/suspicious/noThenProperty: the name of a field of $switch
    ({ case: condition, then: value }),
  );
  return { $switch: { branches, default: otherwise } };
}
