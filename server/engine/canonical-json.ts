interface Walk {
  readonly contents: ReadonlyMap<object, unknown> | undefined;
  /** The lists and objects around the value at hand, to find one that holds itself. */
  readonly ancestors: object[];
}

/**
 * Canonical JSON is the same text for equal values: names are sorted by UTF-16 code units. Types that JSON folds
 * together (10n and "10", a Date and its text, a Map and {}) are written as tags, `{"$":"bigint","content":"10"}`.
 * @param contents what counts in place of objects that have to be read first, such as files
 * @throws TypeError for what can not be told apart by its content: functions, symbols, circular
 * structures, and objects with neither `toJSON` nor fields of their own.
 */
export function canonicalJson(value: readonly unknown[], contents?: ReadonlyMap<object, unknown>): string {
  try {
    return textOfList(value, { contents, ancestors: [] });
  } catch (cause) {
    if (cause instanceof RangeError)
      throw new TypeError('The arguments are nested too deeply to fingerprint', { cause });
    throw cause;
  }
}

/** The text of a value where it stands: `toJSON` is told the written name or the index, and asked once, as JSON.stringify does. */
function textAt(key: string, value: unknown, walk: Walk): string | undefined {
  if (typeof value !== 'object' || value === null) return textOf(value, walk);
  if (walk.contents?.has(value)) return textOf(walk.contents.get(value), walk);
  const builtIn = textOfBuiltIn(value, walk);
  if (builtIn !== undefined) return builtIn;
  return hasToJson(value) ? textOf(value.toJSON(key), walk) : textOfFields(value, walk);
}

/** Undefined for undefined, which JSON drops from an object. */
function textOf(value: unknown, walk: Walk): string | undefined {
  switch (typeof value) {
    case 'string':
      return quoted(value);
    case 'number':
      return Number.isFinite(value) ? String(value) : tagText('number', `"${value}"`);
    case 'boolean':
      return String(value);
    case 'undefined':
      return undefined;
    case 'bigint':
      return tagText('bigint', `"${value}"`);
    case 'object':
      return value === null ? 'null' : (textOfBuiltIn(value, walk) ?? textOfFields(value, walk));
    default:
      throw unfingerprintable(`a ${typeof value}`);
  }
}

function textOfBuiltIn(value: object, walk: Walk): string | undefined {
  if (Array.isArray(value)) return textOfList(value, walk);
  if (value instanceof Date) return tagText('date', `"${value.getTime()}"`);
  if (value instanceof Map) return tagText('map', textOfList([...value], walk));
  if (value instanceof Set) return tagText('set', textOfList([...value], walk));
  if (value instanceof ArrayBuffer) return textOfBytes(Buffer.from(value));
  if (ArrayBuffer.isView(value)) {
    return textOfBytes(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  }
  if (isFile(value)) throw unfingerprintable('a file');
  return undefined;
}

function textOfBytes(bytes: Buffer): string {
  return tagText('bytes', `"${bytes.toString('base64')}"`);
}

function textOfList(items: readonly unknown[], walk: Walk): string {
  enter(items, walk);
  let text = '';
  // By index: a list's own iterator may skip or invent items, and holes count as undefined.
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    if (index > 0) text += ',';
    // JSON makes undefined null in a list: it is tagged, but for one that `toJSON` made.
    text += item === undefined ? tagText('undefined', '""') : (textAt(String(index), item, walk) ?? 'null');
  }
  walk.ancestors.pop();
  return `[${text}]`;
}

function textOfFields(value: object, walk: Walk): string {
  const names = Object.keys(value).sort();
  if (names.length === 0 && !isPlain(value)) {
    throw unfingerprintable(`an object of class ${value.constructor?.name} without fields of its own`);
  }
  enter(value, walk);
  let text = '';
  for (const name of names) {
    // Tags can not be forged: a name that starts with `$` gets one more, which leaves the order as it is.
    const written = name.startsWith('$') ? `$${name}` : name;
    const field = textAt(written, (value as Record<string, unknown>)[name], walk);
    if (field === undefined) continue;
    text += `${text === '' ? '' : ','}${quoted(written)}:${field}`;
  }
  walk.ancestors.pop();
  return `{${text}}`;
}

function enter(value: object, { ancestors }: Walk): void {
  if (ancestors.includes(value)) throw new TypeError('Converting circular structure to JSON');
  ancestors.push(value);
}

function tagText(type: string, content: string): string {
  return `{"$":"${type}","content":${content}}`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones that JSON escapes.
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

/** A call of JSON.stringify costs several times the test, and most texts are short and plain. */
function quoted(text: string): string {
  return text.length < 1_000 && !ESCAPED.test(text) ? `"${text}"` : JSON.stringify(text);
}

function hasToJson(value: object): value is { toJSON(key: string): unknown } {
  return typeof (value as { toJSON?: unknown }).toJSON === 'function';
}

/** Plain in whatever realm it was made: in a test runner's sandbox there are two. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Tells by its shape whether an object is a file: servers bring classes of their own, whose fields (the time of arrival) are not the content. */
export function isFile(value: object): value is File {
  return 'arrayBuffer' in value && typeof value.arrayBuffer === 'function';
}

function unfingerprintable(what: string): TypeError {
  return new TypeError(
    `The arguments hold ${what}, which can not be fingerprinted; give a \`fingerprint\` function`,
  );
}
