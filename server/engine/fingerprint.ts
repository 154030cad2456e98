import { hash } from 'node:crypto';
import { configure } from 'safe-stable-stringify';

/** The rule in front of each hash begins with it. Change it when canonical form changes, and keep the old one beside it. */
export const CANONICAL_FORM = 's1';

/** The rule in `rule:hash`; MongoDB's claim pipeline splits in the same way. */
export function ruleOf(tagged: string): string {
  return tagged.split(':', 1)[0] as string;
}

/**
 * SHA-256 of an operation and its arguments in canonical JSON: the order of keys does not count; types
 * that JSON folds together (10n and "10", a Date and its text, a Map and {}) are told apart.
 * @param rule the name of what was made of the arguments before (`ruleName`)
 * @param contents what counts in place of objects that have to be read first, such as files
 * @throws TypeError for what can not be told apart by its content: functions, symbols, circular
 * structures, and objects with neither `toJSON` nor fields of their own.
 */
export function fingerprintOf(
  operation: string,
  args: unknown,
  rule?: string,
  contents?: ReadonlyMap<object, unknown>,
): string {
  return tagged(canonicalJson([operation, args], contents), rule);
}

/** `rule:hash` of a text that is canonical already, such as a printed selection set. */
export function tagged(canonical: string, rule = CANONICAL_FORM): string {
  return `${rule}:${hash('sha256', canonical, 'hex')}`;
}

const stringify = configure({ circularValue: TypeError, strict: false, bigint: false });

function canonicalJson(value: unknown, contents?: ReadonlyMap<object, unknown>): string {
  try {
    return stringify(value, contents ? canonicalWith(contents) : canonicalValue) as string;
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new TypeError('The arguments are nested too deeply to fingerprint', { cause });
    throw cause;
  }
}

function canonicalWith(contents: ReadonlyMap<object, unknown>): typeof canonicalValue {
  return function canonicalContent(key, json) {
    const value = (this as Record<string, object>)[key] as object;
    if (!contents.has(value)) return canonicalValue.call(this, key, json);
    const content = contents.get(value);
    return canonicalValue.call({ content }, 'content', content);
  };
}

/** A replacer sees what `toJSON` made; the original is `this[key]`. */
function canonicalValue(this: unknown, key: string, json: unknown): unknown {
  const value = (this as Record<string, unknown>)[key];
  switch (typeof value) {
    case 'undefined': // JSON drops it from an object, but makes it null in an array
      return Array.isArray(this) ? tag('undefined', '') : value;
    case 'bigint':
      return tag('bigint', String(value));
    case 'number':
      return Number.isFinite(value) ? value : tag('number', String(value));
    case 'function':
    case 'symbol':
      throw unfingerprintable(`a ${typeof value}`);
    case 'object':
      return value === null || isMarked(value) ? value : canonicalObject(value, json);
    default:
      return value;
  }
}

function canonicalObject(value: object, json: unknown): unknown {
  if (Array.isArray(value)) return value;
  if (value instanceof Date) return tag('date', String(value.getTime()));
  if (value instanceof Map) return tag('map', [...value]);
  if (value instanceof Set) return tag('set', [...value]);
  if (value instanceof ArrayBuffer) return tag('bytes', Buffer.from(value).toString('base64'));
  if (ArrayBuffer.isView(value)) {
    return tag('bytes', Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64'));
  }
  if (isFile(value)) throw unfingerprintable('a file');
  if (json !== value) return canonicalValue.call({ json }, 'json', json);
  const prototype: unknown = Object.getPrototypeOf(value);
  // Plain in whatever realm it was made: in a test runner's sandbox there are two.
  const plain = prototype === null || Object.getPrototypeOf(prototype) === null;
  if (!plain && Object.keys(value).length === 0) {
    throw unfingerprintable(`an object of class ${value.constructor?.name} without fields of its own`);
  }
  return escaped(value);
}

/** Tells by its shape whether an object is a file: servers bring classes of their own, whose fields (the time of arrival) are not the content. */
export function isFile(value: object): value is File {
  return 'arrayBuffer' in value && typeof value.arrayBuffer === 'function';
}

// Tags can not be forged: a field of the caller's that starts with `$` gets one more.
const marked = new WeakSet<object>();
const isMarked = (value: object) => marked.has(value);

function mark<T extends object>(value: T): T {
  marked.add(value);
  return value;
}

const tag = (type: string, content: unknown) => mark({ $: type, content });

function escaped(value: object): object {
  const fields = Object.entries(value);
  if (!fields.some(([name]) => name.startsWith('$'))) return value;
  return mark(
    Object.fromEntries(fields.map(([name, field]) => [name.startsWith('$') ? `$${name}` : name, field])),
  );
}

function unfingerprintable(what: string): TypeError {
  return new TypeError(
    `The arguments hold ${what}, which can not be fingerprinted; give a \`fingerprint\` function`,
  );
}
