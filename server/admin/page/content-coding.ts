/** These codings can a file be stored in, the shortest first. */
export const CODINGS = [
  { name: 'br', suffix: '.br' },
  { name: 'gzip', suffix: '.gz' },
] as const;

export type CodingName = (typeof CODINGS)[number]['name'];

/**
 * Chooses the coding of an answer, by the header `Accept-Encoding` (RFC 9110, section 12.5.3): the one that the client likes best, or else the
 * shortest. Null stands for the file as it is, which is also for a client that says nothing.
 */
export function codingFor(accepted: string | null, stored: readonly CodingName[]): CodingName | null {
  const weights = weightsIn(accepted ?? '');
  const weightOf = (name: string) => weights.get(name) ?? weights.get('*') ?? 0;
  // A client that does not name `identity` takes it where nothing else is better.
  const plain = weights.get('identity') ?? 0;
  const [best] = stored
    .map((name) => ({ name, weight: weightOf(name) }))
    .filter(({ weight }) => weight > 0 && weight >= plain)
    .toSorted((one, other) => other.weight - one.weight);
  return best?.name ?? null;
}

function weightsIn(accepted: string): ReadonlyMap<string, number> {
  const entries = accepted
    .toLowerCase()
    .split(',')
    .map((part) => {
      const [name = '', ...parameters] = part.split(';').map((text) => text.trim());
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? '1';
      return [
        name === 'x-gzip' ? 'gzip' : name,
        /^[01](\.\d{0,3})?$/.test(weight) ? Number(weight) : 0,
      ] as const;
    });
  return new Map(entries.filter(([name]) => name !== ''));
}
