import { andThen, type MaybePromise } from '../engine/maybe-promise.ts';
import type { Redaction } from '../engine/policy.ts';
import { hiddenNames, type IsHidden, withoutNames } from '../formats/redact.ts';

/** Makes a test for the names to redact; undefined where `redact` names none. A function sees the body as a whole instead. */
export function hiddenBy(redact: Redaction | null): IsHidden | undefined {
  return redact === null || typeof redact === 'function' ? undefined : hiddenNames(redact);
}

export interface Redacted {
  /** The text that may be kept; undefined when nothing may. */
  readonly text: string | undefined;
  readonly changed: boolean;
}

/** Takes out of a body what may not be stored. @throws whatever the developer's function throws */
export function redactBody(
  text: string,
  redact: Redaction | null,
  where: 'request' | 'response',
): MaybePromise<Redacted> {
  if (redact === null) return { text, changed: false };
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { text: undefined, changed: true }; // what can not be looked into is not kept
  }
  const before = JSON.stringify(body);
  const given: unknown =
    typeof redact === 'function' ? redact(body, where) : withoutNames(body, hiddenNames(redact));
  return andThen(given, (shown) => {
    const after = JSON.stringify(shown);
    return after === before ? { text, changed: false } : { text: after, changed: true };
  });
}
