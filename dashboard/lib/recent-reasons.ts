const NAME = 'latchkey:reasons';
const MOST = 3;

/** Gives the reasons that were given last in this tab of the browser, the last one first. */
export function recentReasons(): readonly string[] {
  try {
    const stored: unknown = JSON.parse(sessionStorage.getItem(NAME) ?? '[]');
    return Array.isArray(stored) ? stored.filter((reason) => typeof reason === 'string') : [];
  } catch {
    return [];
  }
}

/** Keeps a reason for the next key of the same incident. */
export function rememberReason(reason: string): void {
  const reasons = [reason, ...recentReasons().filter((other) => other !== reason)].slice(0, MOST);
  try {
    sessionStorage.setItem(NAME, JSON.stringify(reasons));
  } catch {
    // The browser refuses to store it, so it is typed again.
  }
}
