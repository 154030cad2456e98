import { useMemo } from 'react';
import { type GraphQLPiece, graphqlPieces } from '../../lib/graphql-pieces.ts';
import { readJson } from '../../lib/json-tree.ts';
import { type ReadableBody, readableBody } from '../../lib/readable-body.ts';
import type { BodyPart } from '../../queries.ts';
import { JsonTree } from '../ui/json-tree.tsx';
import { LongText } from '../ui/long-text.tsx';
import { Verbatim } from '../ui/verbatim.tsx';

interface BodyContentProps {
  readonly text: string;
  /** A text that was cut is no JSON, and is shown as it is. */
  readonly cut: boolean;
  /** The format has the name that the record gives it; null to show the body in the form in which it is stored. */
  readonly format: string | null;
  readonly part: BodyPart;
}

/** Shows a body as its developer knows it: GraphQL as code, JSON as a tree, HTTP with its status and headers. */
export function BodyContent({ text, cut, format, part }: BodyContentProps) {
  const node = useMemo(() => (cut ? undefined : readJson(text)), [text, cut]);
  const readable = useMemo(() => node && readableBody(format, part, node), [node, format, part]);
  if (readable) return <Readable body={readable} />;
  return node ? <JsonTree node={node} /> : <Plain text={text} />;
}

function Readable({ body: { start, headers, query, trees, text, note } }: { body: ReadableBody }) {
  return (
    <div className="grid gap-3">
      {start !== null && (
        <p className="font-mono font-semibold wrap-anywhere">
          <Verbatim text={start} />
        </p>
      )}
      {headers.length > 0 && <Headers headers={headers} />}
      {query !== null && <Query text={query} />}
      {trees.map(({ label, node }) => (
        <div key={label}>
          {label !== null && <h3 className="eyebrow mb-1">{label}</h3>}
          <JsonTree node={node} />
        </div>
      ))}
      {text !== null && <Plain text={text} />}
      {note !== null && <p className="text-xs text-muted">{note}</p>}
    </div>
  );
}

function Headers({ headers }: Pick<ReadableBody, 'headers'>) {
  return (
    <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-3 gap-y-0.5 font-mono text-xs leading-5">
      {headers.map(([name, value], index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a header may come twice
        <div key={index} className="contents">
          <dt className="text-muted">
            <Verbatim text={name} />
          </dt>
          <dd className="min-w-0 wrap-anywhere">
            <Verbatim text={value} />
          </dd>
        </div>
      ))}
    </dl>
  );
}

const COLOURS: Readonly<Record<GraphQLPiece['kind'], string>> = {
  keyword: 'text-released',
  variable: 'text-running',
  value: 'text-success',
  comment: 'text-muted italic',
  word: '',
  mark: 'text-muted',
};
/** A longer document has no colours: each piece is an element. */
const LONGEST_COLOURED = 10_000;

function Query({ text }: { text: string }) {
  const pieces = useMemo(() => (text.length > LONGEST_COLOURED ? null : graphqlPieces(text)), [text]);
  if (pieces === null) return <Plain text={text} />;
  return (
    <pre className="rounded-md bg-sunken p-3 font-mono text-xs leading-5 whitespace-pre-wrap wrap-anywhere">
      <code>
        {pieces.map((piece, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of one text have no other name
          <span key={index} className={COLOURS[piece.kind]}>
            <Verbatim text={piece.text} isBody />
          </span>
        ))}
      </code>
    </pre>
  );
}

function Plain({ text }: { text: string }) {
  return (
    <div className="rounded-md bg-sunken p-3 font-mono text-xs leading-5 whitespace-pre-wrap wrap-anywhere">
      <LongText text={text} />
    </div>
  );
}
