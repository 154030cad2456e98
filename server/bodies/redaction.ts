import type { Redaction } from '../engine/policy.ts';
import { type Hides, hidesNames, withoutNames } from '../redact.ts';

/** Undefined where no names are to be redacted: a function sees the body as a whole. */
export function hidesOf(redact: Redaction | null): Hides | undefined {
  return redact === null || typeof redact === 'function' ? undefined : hidesNames(redact);
}

export interface Redacted {
  /** Undefined when nothing may be kept. */
  readonly text: string | undefined;
  readonly changed: boolean;
}

/** What may be stored of a body. @throws whatever the developer's function throws */
export async function redacted(
  text: string,
  redact: Redaction | null,
  where: 'request' | 'response',
): Promise<Redacted> {
  if (redact === null) return { text, changed: false };
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { text: undefined, changed: true }; // what can not be looked into is not kept
  }
  const before = JSON.stringify(body);
  const shown =
    typeof redact === 'function' ? await redact(body, where) : withoutNames(body, hidesNames(redact));
  const after = JSON.stringify(shown);
  return after === before ? { text, changed: false } : { text: after, changed: true };
}
