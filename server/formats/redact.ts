/** Stands in a stored body for what was removed. */
export const REDACTED = '[redacted]';

/** `IsHidden` tells whether a field of this name must not be stored. */
export type IsHidden = (name: string) => boolean;

/** Makes an `IsHidden` of names, which count in any case. */
export function hiddenNames(names: readonly string[]): IsHidden {
  const hidden = new Set(names.map((name) => name.toLowerCase()));
  return (name) => hidden.has(name.toLowerCase());
}

/**
 * A copy in which the content of each field with a hidden name is {@link REDACTED}, at any depth; the value itself when
 * there is none. A pair counts as a field: that is how JSON has the entries of a Map, and headers. Null has no content.
 */
export function withoutNames<T>(value: T, isHidden: IsHidden): T {
  return holdsHidden(value, isHidden, new Set()) ? (copyWithout(value, isHidden, new Map()) as T) : value;
}

function mustHide(name: unknown, content: unknown, isHidden: IsHidden): boolean {
  return typeof name === 'string' && content !== null && content !== undefined && isHidden(name);
}

function holdsHidden(value: unknown, isHidden: IsHidden, seen: Set<object>): boolean {
  if (typeof value !== 'object' || value === null || seen.has(value)) return false;
  seen.add(value);
  if (Array.isArray(value) && value.length === 2 && mustHide(value[0], value[1], isHidden)) return true;
  if (value instanceof Set || Array.isArray(value))
    return [...value].some((item) => holdsHidden(item, isHidden, seen));
  const entries = value instanceof Map ? [...value] : entriesOf(value);
  return entries.some(
    ([name, content]) =>
      mustHide(name, content, isHidden) ||
      holdsHidden(name, isHidden, seen) ||
      holdsHidden(content, isHidden, seen),
  );
}

/** `copies` keeps what is one object one object, and ends circles. */
function copyWithout(value: unknown, isHidden: IsHidden, copies: Map<object, unknown>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (copies.has(value)) return copies.get(value);
  const content = (name: unknown, of: unknown) =>
    mustHide(name, of, isHidden) ? REDACTED : copyWithout(of, isHidden, copies);
  if (Array.isArray(value)) {
    const copy: unknown[] = [];
    copies.set(value, copy);
    const [name, of] = value;
    if (value.length === 2 && mustHide(name, of, isHidden)) copy.push(name, REDACTED);
    else for (const item of value) copy.push(copyWithout(item, isHidden, copies));
    return copy;
  }
  if (value instanceof Map) {
    const copy = new Map();
    copies.set(value, copy);
    for (const [name, of] of value) copy.set(copyWithout(name, isHidden, copies), content(name, of));
    return copy;
  }
  if (value instanceof Set) {
    const copy = new Set();
    copies.set(value, copy);
    for (const item of value) copy.add(copyWithout(item, isHidden, copies));
    return copy;
  }
  const prototype: object | null = Object.getPrototypeOf(value);
  // What has state of its own that no field shows (a Date, a buffer) would not survive a copy.
  if (!isPlain(prototype) && !holdsHidden(value, isHidden, new Set())) return value;
  const copy: object = Object.create(prototype);
  copies.set(value, copy);
  for (const [name, of] of entriesOf(value)) {
    // Not by assignment: `__proto__` is a name like any other.
    Object.defineProperty(copy, name, {
      value: content(name, of),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return copy;
}

/** Tells whether an object with this prototype is a plain one, in whatever realm it was made. */
function isPlain(prototype: object | null): boolean {
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function entriesOf(value: object): [string, unknown][] {
  return ArrayBuffer.isView(value) ? [] : Object.entries(value);
}
