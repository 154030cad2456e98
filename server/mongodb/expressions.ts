import { HISTORY_LIMIT, NEVER } from '../engine/record.ts';
import type { Document } from './database.ts';

export type Expression = string | Document;

/** The server's clock; the same for all statements of a command. */
export const NOW = '$$NOW';
/** Somebody may have edited it. */
export const HISTORY = { $cond: [{ $isArray: '$history' }, '$history', []] };

/** The history with one more entry, about the record as it was before the statement. */
export function withEntry({
  event,
  at,
  ...rest
}: {
  event: string;
  at: Expression;
  [field: string]: unknown;
}): Document {
  const entry = { event, at, owner: '$owner', fence: '$fence', ...rest };
  return { $slice: [{ $concatArrays: [HISTORY, [entry]] }, -HISTORY_LIMIT] };
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
