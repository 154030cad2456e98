import type { Frame } from './json-frame.ts';
import type { TokenKind } from './json-tokens.ts';
import type { ViewOptions } from './json-view-options.ts';

const LONGEST_NAME = 200;
const ENTRY_NAMES = new Set(['name', 'key', 'header', 'field', 'k']);
const ENTRY_VALUES = new Set(['value', 'values', 'val', 'content', 'v']);
/** The secret itself has one of these names in the answer of `createApiKey`. */
const SECRET_PARTS = new Set(['key', 'value', 'plain', 'plaintext', 'raw', 'code', 'data', 'text', 'full']);
/**
 * An answer named like a secret is hidden when it begins with one of these: an object has fields of its own to look
 * at, and a yes or no is no secret.
 */
const HIDES_ALL: ReadonlySet<TokenKind> = new Set(['[', 'text', 'number']);

/** Tells whether the names of a value that comes next in a frame say that it is secret. */
export function isSecretValue(
  frame: Frame | undefined,
  { names, path }: { readonly names: readonly string[]; readonly path: readonly string[] },
  { secrets, isHidden }: ViewOptions,
): boolean {
  if (!frame || !secrets) return false;
  if (frame.hidesRest) return true;
  if (!frame.isObject)
    return (
      (frame.before !== undefined && frame.before.length < LONGEST_NAME && secrets.isName(frame.before)) ||
      (isHidden?.('', { path }) ?? false)
    );
  if (isHidden?.(frame.name, { path })) return true;
  if (frame.isSecretAnswer && SECRET_PARTS.has(frame.name.toLowerCase())) return true;
  if (frame.entry !== undefined && ENTRY_VALUES.has(frame.name.toLowerCase()) && secrets.isName(frame.entry))
    return true;
  return names.some(
    (name) => secrets.isName(name) || frame.names.some((parent) => secrets.isName(name, parent)),
  );
}

/** Tells whether a value with a secret name is an answer to look into, and not hidden as a whole. */
export function isOpenAnswer(
  frame: Frame | undefined,
  token: TokenKind,
  path: readonly string[],
  { isAnswer }: ViewOptions,
): boolean {
  return frame?.isObject === true && !HIDES_ALL.has(token) && isAnswer?.({ path }) === true;
}

/** Remembers a text in its frame: it may be the name of the value after it, by which that is hidden. */
export function rememberText(frame: Frame, text: string): void {
  frame.before = frame.isObject ? undefined : text;
  if (frame.isObject && ENTRY_NAMES.has(frame.name.toLowerCase())) frame.entry = text;
}
