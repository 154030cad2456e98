import { type JsonNode, printJson, readJson } from './json-tree.ts';

/**
 * Writes a captured request as a command of curl that sends it again with its key, for a shell. The address of the API is not
 * captured: it stands there as `$API`. Undefined for a form of request that is not sent by HTTP as it is stored.
 */
export function asCurl(format: string | null, body: string, key: string): string | undefined {
  const request = readJson(body);
  if (request?.kind !== 'object') return undefined;
  const field = (name: string) => request.entries.findLast(([own]) => own === name)?.[1];
  const header = `idempotency-key: ${structured(key)}`;
  switch ((format ?? '').split('/')[0]) {
    case 'graphql':
      return curl('"$API"', ['content-type: application/json', header], printJson(request));
    case 'http': {
      const [method, path, text] = [field('method'), field('path'), field('text')].map(textOf);
      if (method === undefined || path === undefined) return undefined;
      const headers = [...headersOf(field('headers')), header];
      return curl(`-X ${quoted(method)} "$API"${quoted(path)}`, headers, text);
    }
    default:
      return undefined;
  }
}

function curl(target: string, headers: readonly string[], data: string | undefined): string {
  return [
    `curl -i ${target}`,
    ...headers.map((header) => `-H ${quoted(header)}`),
    ...(data === undefined ? [] : [`--data-raw ${quoted(data)}`]),
  ].join(' \\\n  ');
}

/** The header holds a key as a text in quotes, by the IETF's draft. */
const structured = (key: string) => `"${key.replace(/["\\]/g, '\\$&')}"`;

/** Quotes a text for a shell, which takes everything in single quotes as it is, but for the quote itself. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

const textOf = (node: JsonNode | undefined) => (node?.kind === 'string' ? node.text : undefined);

function headersOf(headers: JsonNode | undefined): string[] {
  if (headers?.kind !== 'array') return [];
  return headers.items.flatMap((header) => {
    const [name, value] = header.kind === 'array' ? header.items.map(textOf) : [];
    const isOurs = name === undefined || value === undefined || name.toLowerCase() === 'idempotency-key';
    return isOurs ? [] : [`${name}: ${value}`];
  });
}
