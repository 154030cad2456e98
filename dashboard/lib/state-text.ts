/**
 * Splits the sentence of a state for a page that shows the state beside it: without the state's name before it, and with the
 * reason apart. "In doubt (timed out): it started 3 s ago, …" is "It started 3 s ago, …", and "timed out".
 */
export function stateText(sentence: string): { readonly sentence: string; readonly reason: string | null } {
  const [, reason, rest] = /^(?:In doubt|Released)(?: \((.*)\))?: ([^:]+)$/s.exec(sentence) ?? [];
  if (rest === undefined) return { sentence, reason: null };
  return { sentence: rest.charAt(0).toUpperCase() + rest.slice(1), reason: reason ?? null };
}
