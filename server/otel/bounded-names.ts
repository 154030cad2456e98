/** So many operations have a name of their own on metrics: clients of GraphQL choose which fields they ask for at once. */
const MOST_NAMES = 200;
/** What OpenTelemetry calls a value that is none of the known ones. */
export const OTHER = '_OTHER';

/** Makes a function that keeps the first names it is given, and gives one name for all others. */
export function boundedNames(most: number = MOST_NAMES): (name: string) => string {
  const known = new Set<string>();
  return (name) => {
    if (known.has(name)) return name;
    if (known.size >= most) return OTHER;
    known.add(name);
    return name;
  };
}
