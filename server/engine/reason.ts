/** A record's history holds up to twenty of them. */
const MAX_LENGTH = 1_000;

/** A reason as a record may keep it. */
export function boundedReason(reason: string): string {
  return reason.slice(0, MAX_LENGTH);
}

/** Makes a text of what was thrown or returned. It never throws, whatever it is given. */
export function textOf(value: unknown): string {
  try {
    return boundedReason(String(value));
  } catch {
    return 'something that has no text';
  }
}
