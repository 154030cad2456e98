import { parseItem } from 'structured-headers';
import type { Sought } from '../contract/contract.ts';

/** A search that tries more than this takes longer than it helps. */
const MOST_SOUGHT = 8;
const LONGEST_KEY = 255;
const LONGEST_SCOPE = 1_024;

const RECORD_ID = /(?<![\w-])[0-9a-f]{24}(?![\w-])/gi;
const UUID = /(?<![\w-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\w-])/gi;
const HEADER = /^[\w-]*idempotency-?key["']?\s*[:=]\s*(.+)$/is;
/** A field of JSON, of a log line in `name=value` form, of an address or of a header. */
const FIELD =
  /(?<![\w-])(?<name>[\w-]*idempotency[-_]?key|key|scope|record_?id)["']?\s*[:=]\s*(?<value>"(?:\\.|[^"\\])*"|'[^']*'|[^\s,;&{}[\]"']+)/gis;

type Fields = { readonly [name in 'key' | 'scope' | 'recordId']: readonly string[] };

/**
 * Lists what a text may mean that somebody gives for a key: the key itself, in quotes as the IETF's header has it, behind the header's name,
 * the id of a record, a link to one, or a line of a log that holds one of these. The likeliest comes first.
 */
export function soughtIn(given: string): readonly Sought[] {
  const text = given.trim();
  const { key: keys, scope: scopes, recordId: ids } = fieldsIn(text);
  const addresses = scopes.length === 1 && keys.length > 0 ? addressesOf(scopes[0] as string, keys) : [];
  const sought: Sought[] = [
    ...[...ids, ...(text.match(RECORD_ID) ?? [])].flatMap(recordIdOf),
    ...addresses,
    ...[text, ...keys, ...(text.match(UUID) ?? [])].flatMap(spellings).flatMap(keyOf),
  ];
  const known = new Map(sought.map((one) => [JSON.stringify(one), one]));
  return [...known.values()].slice(0, MOST_SOUGHT);
}

function addressesOf(scope: string, keys: readonly string[]): Sought[] {
  if (scope.length > LONGEST_SCOPE) return [];
  return keys
    .flatMap(spellings)
    .flatMap(keyOf)
    .map((sought) => ({ scope, ...sought }));
}

const recordIdOf = (text: string) => (/^[0-9a-f]{24}$/i.test(text) ? [{ recordId: text.toLowerCase() }] : []);
const keyOf = (key: string) => (key !== '' && key.length <= LONGEST_KEY ? [{ key }] : []);

/** Lists what a text may stand for as a key: itself, what is within its quotes, and a UUID in other capitals. */
function spellings(text: string): string[] {
  const inner = unquoted(text);
  const all = [text, ...(inner === undefined ? [] : [inner, unquoted(inner) ?? inner])];
  return all.flatMap((key) =>
    key.match(UUID)?.[0] === key ? [key, key.toLowerCase(), key.toUpperCase()] : [key],
  );
}

/** Reads a text in quotes, as the header of the IETF has it (which may hold parameters, too), or JSON, or a shell. */
function unquoted(text: string): string | undefined {
  if (/^'.*'$/s.test(text)) return text.slice(1, -1);
  if (!text.startsWith('"')) return undefined;
  try {
    const [item] = parseItem(text);
    return typeof item === 'string' ? item : undefined;
  } catch {
    return jsonText(text);
  }
}

function jsonText(text: string): string | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function fieldsIn(text: string): Fields {
  const found = { key: [] as string[], scope: [] as string[], recordId: [] as string[] };
  const link = linkIn(text);
  if (link) {
    for (const name of ['key', 'scope', 'recordId'] as const) found[name].push(...link.getAll(name));
    return found;
  }
  // A whole header may hold spaces, and no quotes.
  const [, header] = HEADER.exec(text) ?? [];
  if (header !== undefined) found.key.push(header.trim());
  // A JSON text within another one has a backslash before each of its quotes.
  const texts = text.includes('\\"') ? [text, text.replaceAll('\\"', '"')] : [text];
  for (const one of texts) {
    for (const { groups } of one.matchAll(FIELD)) {
      const { name = '', value = '' } = groups ?? {};
      found[fieldOf(name)].push(unquoted(value) ?? value);
    }
  }
  return { ...found, scope: [...new Set(found.scope)] };
}

function fieldOf(name: string): keyof Fields {
  if (/^scope$/i.test(name)) return 'scope';
  return /^record_?id$/i.test(name) ? 'recordId' : 'key';
}

/** Reads the query of a link to `/keys/by`, whole or without its host. */
function linkIn(text: string): URLSearchParams | undefined {
  const query = /\/keys\/by\?(\S+)$/.exec(text)?.[1];
  return query === undefined ? undefined : new URLSearchParams(query.replace(/#.*$/, ''));
}
