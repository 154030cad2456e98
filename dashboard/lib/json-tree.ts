import { visit } from 'jsonc-parser';

/**
 * A node is a value of a JSON text. Its numbers, the order of its names, and names that come twice are as they were
 * written: `JSON.parse` would round 64-bit numbers and move names that look like one.
 */
export type JsonNode =
  | { readonly kind: 'object'; readonly entries: readonly (readonly [name: string, value: JsonNode])[] }
  | { readonly kind: 'array'; readonly items: readonly JsonNode[] }
  | { readonly kind: 'string'; readonly text: string }
  /** A literal is a number, `true`, `false` or `null`, as it was written. */
  | { readonly kind: 'literal'; readonly source: string };

/** Reads a JSON text; undefined for a text that is not JSON, or too deep to be read. */
export function readJson(text: string): JsonNode | undefined {
  try {
    return parsed(text);
  } catch {
    return undefined;
  }
}

const DEEPEST = 1_000;

/** Makes the tree while the parser goes through the text: a tree of the parser's own first takes twice the time. */
function parsed(text: string): JsonNode | undefined {
  let root: JsonNode | undefined;
  let isJson = true;
  let name = '';
  const open: ((node: JsonNode) => void)[] = [
    (node) => {
      root = node;
    },
  ];
  const add = (node: JsonNode) => open.at(-1)?.(node);
  const close = () => void open.pop();
  const push = (more: (node: JsonNode) => void) => {
    // The functions that walk through the tree afterwards go as deep.
    if (open.push(more) > DEEPEST) throw new RangeError('Too deep to be read');
  };
  visit(
    text,
    {
      onObjectBegin() {
        const entries: [string, JsonNode][] = [];
        add({ kind: 'object', entries });
        push((node) => entries.push([name, node]));
      },
      onObjectProperty(property) {
        name = property;
      },
      onObjectEnd: close,
      onArrayBegin() {
        const items: JsonNode[] = [];
        add({ kind: 'array', items });
        push((node) => items.push(node));
      },
      onArrayEnd: close,
      onLiteralValue(value, offset, length) {
        const source = text.slice(offset, offset + length);
        add(typeof value === 'string' ? { kind: 'string', text: value } : { kind: 'literal', source });
      },
      onError() {
        isJson = false;
      },
    },
    { disallowComments: true, allowTrailingComma: false },
  );
  return isJson ? root : undefined;
}

/** Writes a node indented, with one value on a line. */
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

/**
 * Makes a text that can be compared by lines: JSON is indented and sorted by name, so that the same values have the
 * same lines; any other text is left as it is.
 */
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
