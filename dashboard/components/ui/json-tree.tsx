import { ChevronRight } from 'lucide-react';
import { type ReactNode, startTransition, useMemo, useState } from 'react';
import { formatCount, plural } from '../../lib/format.ts';
import { type JsonNode, readJson } from '../../lib/json-tree.ts';
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
      return <Text text={node.text} name={name} depth={depth} />;
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

/** A longer text is not looked at for JSON inside of it: that would hold up the page. */
const LONGEST_INNER = 100_000;

/** Shows a text; one that is JSON itself, such as the payload of a webhook, as the tree that it is. */
function Text({ text, name, depth }: { text: string; name: string | undefined; depth: number }) {
  const inner = useMemo(() => innerJson(text), [text]);
  if (inner) return <Branch node={inner} depth={depth} isText {...(name === undefined ? {} : { name })} />;
  const hasLines = /[\n\t]/.test(text);
  return (
    <Leaf name={name}>
      <span
        className={`text-success ${hasLines ? 'mt-0.5 mb-1 block border-l-2 border-success/30 pl-2 leading-5 whitespace-pre-wrap' : ''}`}
      >
        {hasLines ? (
          <LongText text={text} first={2_000} />
        ) : (
          <>
            "<LongText text={text} first={400} />"
          </>
        )}
      </span>
    </Leaf>
  );
}

function innerJson(text: string): BranchNode | undefined {
  if (text.length > LONGEST_INNER || !/^\s*[[{]/.test(text)) return undefined;
  const node = readJson(text);
  return node?.kind === 'object' || node?.kind === 'array' ? node : undefined;
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

interface BranchProps {
  readonly node: BranchNode;
  readonly name?: string;
  readonly depth: number;
  /** The branch stands inside of a text. */
  readonly isText?: boolean;
}

function Branch({ node, name, depth, isText = false }: BranchProps) {
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
        {isText && <span className="mr-1.5 rounded bg-sunken px-1 font-sans text-muted">JSON in a text</span>}
        <span className="text-muted">
          {begin} {size} {!open && end}
        </span>
      </button>
      {open && (
        <>
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
          </div>
          <div className="pl-5 text-muted">{end}</div>
        </>
      )}
    </div>
  );
}

function childrenOf(node: BranchNode): readonly (readonly [string, JsonNode])[] {
  return node.kind === 'object'
    ? node.entries
    : node.items.map((item, index) => [String(index), item] as const);
}
