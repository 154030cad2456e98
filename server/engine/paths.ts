/** A place in an input, name by name; `*` stands for each item of a list, and for each field of an object. */
export type Path = readonly string[];

const MAX_PATH_LENGTH = 255;

/** Says what is wrong with the text of a path; undefined when nothing is. */
export function pathProblem(text: unknown): string | undefined {
  if (typeof text !== 'string') return `is of type ${text === null ? 'null' : typeof text}`;
  if (text.length > MAX_PATH_LENGTH) return `has more than ${MAX_PATH_LENGTH} UTF-16 units`;
  if (!text.isWellFormed()) return 'is not well-formed Unicode';
  const names = text.split('.');
  if (names.includes('')) return 'has an empty name';
  return names.some((name) => name.includes('*') && name !== '*')
    ? 'has a * that is not a whole name'
    : undefined;
}

export const pathOf = (text: string): Path => text.split('.');

/**
 * A copy of a value without what stands at these paths. A name finds a field of an object or an entry of a Map; `*` finds
 * those, and the items of a list. Anything else (a Date, a Set, an object of a class) counts whole.
 */
export function without(value: unknown, paths: readonly Path[]): unknown {
  if (paths.length === 0) return value;
  if (Array.isArray(value)) return itemsWithout(value, paths, without);
  if (value instanceof Map) return new Map(fieldsWithout(value, paths, without));
  return isPlain(value) ? Object.fromEntries(fieldsWithout(Object.entries(value), paths, without)) : value;
}

type Cut<From, To> = (value: From, paths: readonly Path[]) => To;

export function itemsWithout<From, To>(
  items: readonly From[],
  paths: readonly Path[],
  cut: Cut<From, To>,
): To[] {
  const inside = below(paths, '*');
  return isCut(inside) ? [] : items.map((item) => cut(item, inside));
}

export function fieldsWithout<Name, From, To>(
  fields: Iterable<readonly [Name, From]>,
  paths: readonly Path[],
  cut: Cut<From, To>,
): [Name, To][] {
  return Array.from(fields).flatMap(([name, value]) => {
    const inside = below(paths, name);
    return isCut(inside) ? [] : [[name, cut(value, inside)] satisfies [Name, To]];
  });
}

/** Gives the rest of those paths that lead to `name`. */
function below(paths: readonly Path[], name: unknown): readonly Path[] {
  return paths.filter(([first]) => first === '*' || first === name).map(([, ...rest]) => rest);
}

const isCut = (paths: readonly Path[]) => paths.some(({ length }) => length === 0);

/** Tells whether a value is a plain object, in whatever realm it was made. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
