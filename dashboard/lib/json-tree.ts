import { type Node, type ParseError, parseTree } from 'jsonc-parser';

/**
 * A value of a JSON text. Its numbers, the order of its names, and names that come twice are as they were written:
 * `JSON.parse` would round 64-bit numbers and move names that look like one.
 */
export type JsonNode =
  | { readonly kind: 'object'; readonly entries: readonly (readonly [name: string, value: JsonNode])[] }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'string'; readonly text: string }
  /** A number, `true`, `false` or `null`, as it was written. */
  | { readonly kind: 'literal'; readonly source: string };

/** Undefined for a text that is not JSON, or too deep to be read. */
export function readJson(text: string): JsonNode | undefined {
  const errors: ParseError[] = [];
  try {
    const root = parseTree(text, errors, { disallowComments: true, allowTrailingComma: false });
    return root && errors.length === 0 ? nodeOf(root, text) : undefined;
  } catch {
    return undefined;
  }
}

/** Indented, with one value on a line. */
export function printJson(node: JsonNode, indent = ''): string {
  const inner = `${indent}  `;
  switch (node.kind) {
    case 'object': {
      const lines = node.entries.map(
        ([name, value]) => `${inner}${JSON.stringify(name)}: ${printJson(value, inner)}`,
      );
      return lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n${indent}}`;
    }
    case 'array': {
      const lines = node.items.map((item) => inner + printJson(item, inner));
      return lines.length === 0 ? '[]' : `[\n${lines.join(',\n')}\n${indent}]`;
    }
    case 'string':
      return JSON.stringify(node.text);
    case 'literal':
      return node.source;
    default:
      return node satisfies never;
  }
}

/** JSON is indented and sorted by name, so that the same values have the same lines; any other text is left as it is. */
export function comparableText(text: string): string {
  const node = readJson(text);
  return node ? printJson(sorted(node)) : text;
}

function sorted(node: JsonNode): JsonNode {
  switch (node.kind) {
    case 'object': {
      const entries = node.entries.map(([name, value]) => [name, sorted(value)] as const);
      return {
        ...node,
        entries: entries.toSorted(([one], [other]) => (one < other ? -1 : Number(one > other))),
      };
    }
    case 'array':
      return { ...node, items: node.items.map(sorted) };
    default:
      return node;
  }
}

function nodeOf(node: Node, text: string): JsonNode {
  const children = node.children ?? [];
  switch (node.type) {
    case 'object':
      return { kind: 'object', entries: children.flatMap((property) => entryOf(property, text)) };
    case 'array':
      return { kind: 'array', items: children.map((item) => nodeOf(item, text)) };
    case 'string':
      return { kind: 'string', text: String(node.value) };
    default:
      return { kind: 'literal', source: text.slice(node.offset, node.offset + node.length) };
  }
}

function entryOf({ children }: Node, text: string): [string, JsonNode][] {
  const [name, value] = children ?? [];
  return name && value ? [[String(name.value), nodeOf(value, text)]] : [];
}
