import { type JsonNode, printJson, readJson } from './json-tree.ts';

/**
 * Makes of a stored response what an operator would give for it by hand: the `data` of GraphQL, what a procedure or function
 * returned, the JSON of HTTP. Undefined where it holds none.
 */
export function givenFrom(format: string | null, stored: string): string | undefined {
  const body = readJson(stored);
  if (body?.kind !== 'object') return undefined;
  const field = (name: string) => body.entries.findLast(([own]) => own === name)?.[1];
  const node = format?.startsWith('http/') ? jsonIn(field('text')) : field('data');
  return node && printJson(node);
}

function jsonIn(text: JsonNode | undefined): JsonNode | undefined {
  return text?.kind === 'string' ? readJson(text.text) : undefined;
}
