import { ChevronRight } from 'lucide-react';
import { type ReactNode, startTransition, useState } from 'react';
import { formatCount, plural } from '../../lib/format.ts';
import type { JsonNode } from '../../lib/json-tree.ts';
import { LongText } from './long-text.tsx';
import { Verbatim } from './verbatim.tsx';

/** A tree shows so many children at once. */
const CHUNK = 100;
const OPEN_DEPTH = 5;
const OPEN_CHILDREN = 25;

export function JsonTree({ node }: { node: JsonNode }) {
  return (
    <div className="font-mono text-xs leading-6 wrap-anywhere">
      <Value node={node} depth={0} />
    </div>
  );
}

function Value({ node, name, depth }: { node: JsonNode; name?: string; depth: number }) {
  switch (node.kind) {
    case 'object':
    case 'array':
      return <Branch node={node} depth={depth} {...(name === undefined ? {} : { name })} />;
    case 'string':
      return (
        <Leaf name={name}>
          <span className="text-success">
            "<LongText text={node.text} first={400} />"
          </span>
        </Leaf>
      );
    case 'literal':
      return (
        <Leaf name={name}>
          <span className="text-running">{node.source}</span>
        </Leaf>
      );
    default:
      return node satisfies never;
  }
}

function Leaf({ name, children }: { name: string | undefined; children: ReactNode }) {
  return (
    <div className="pl-5">
      {name !== undefined && <Name name={name} />}
      {children}
    </div>
  );
}

function Name({ name }: { name: string }) {
  return (
    <>
      <span className="text-ink">
        <Verbatim text={name} empty={'""'} />
      </span>
      <span className="text-muted">: </span>
    </>
  );
}

type BranchNode = Extract<JsonNode, { kind: 'object' | 'array' }>;

function Branch({ node, name, depth }: { node: BranchNode; name?: string; depth: number }) {
  const children = childrenOf(node);
  const [open, setOpen] = useState(depth < OPEN_DEPTH && (depth === 0 || children.length <= OPEN_CHILDREN));
  const [shown, setShown] = useState(CHUNK);
  const [begin, end] = node.kind === 'object' ? '{}' : '[]';
  if (children.length === 0) {
    return (
      <Leaf name={name}>
        <span className="text-muted">
          {begin}
          {end}
        </span>
      </Leaf>
    );
  }
  const size = node.kind === 'object' ? plural(children.length, 'field') : plural(children.length, 'item');
  return (
    <div>
      <button
        type="button"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
        className="block min-h-6 max-w-full rounded text-left hover:bg-sunken"
      >
        <ChevronRight aria-hidden className={`mr-1 inline size-4 text-muted ${open ? 'rotate-90' : ''}`} />
        {name !== undefined && <Name name={name} />}
        <span className="text-muted">
          {begin} {size} {!open && end}
        </span>
      </button>
      {open && (
        <div className="ml-2 border-l border-line pl-2">
          {children.slice(0, shown).map(([child, value], index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a name may come twice
            <Value key={index} name={child} node={value} depth={depth + 1} />
          ))}
          {children.length > shown && (
            <button
              type="button"
              className="link ml-5 font-sans"
              // The values are shown in pieces: hundreds of them at once would hold up the page.
              onClick={() => startTransition(() => setShown(shown + 5 * CHUNK))}
            >
              Show more: {formatCount(children.length - shown)} are left
            </button>
          )}
          <div className="pl-5 text-muted">{end}</div>
        </div>
      )}
    </div>
  );
}

function childrenOf(node: BranchNode): readonly (readonly [string, JsonNode])[] {
  return node.kind === 'object'
    ? node.entries
    : node.items.map((item, index) => [String(index), item] as const);
}
