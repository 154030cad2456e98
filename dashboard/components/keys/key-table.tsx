import { type MouseEvent, type ReactNode, useEffect, useRef } from 'react';
import { Link } from 'wouter';
import type { KeyRow } from '../../../server/admin/contract/contract.ts';
import type { Selection } from '../../hooks/use-selection.ts';
import { formatDuration } from '../../lib/duration.ts';
import { keyPath } from '../../lib/key-path.ts';
import { WORDS } from '../../lib/words.ts';
import { lookOf, StateBadge } from '../key/state-badge.tsx';
import { Ago, Unknown, Until } from '../ui/time.tsx';
import { Verbatim } from '../ui/verbatim.tsx';

interface KeyTableProps {
  readonly rows: readonly KeyRow[];
  readonly caption: string;
  /** The operator can select rows only when this is given. */
  readonly selection?: Selection;
}

/**
 * Lists keys. Columns fold into the key's own cell as the page gets narrower, so that nothing has to be scrolled
 * sideways.
 */
export function KeyTable({ rows, caption, selection }: KeyTableProps) {
  const arrived = useArrived(rows);
  return (
    <table className="w-full table-fixed border-collapse text-left text-sm leading-5">
      <caption className="sr-only">{caption}</caption>
      <thead>
        <tr className="text-xs text-muted">
          {selection && (
            <Head width="w-10">
              <SelectAll rows={rows} selection={selection} />
            </Head>
          )}
          <Head width="w-30" show="max-sm:hidden" first={!selection}>
            State
          </Head>
          <Head>Key</Head>
          <Head width="w-[16%]" show="max-md:hidden">
            Scope
          </Head>
          <Head width="w-[15%]" show="max-md:hidden">
            Operation
          </Head>
          <Head width="w-20" show="max-[1400px]:hidden" right title={WORDS.Attempts}>
            Attempts
          </Head>
          <Head width="w-18" show="max-[1400px]:hidden" right title={WORDS.Replays}>
            Replays
          </Head>
          <Head width="w-24" right>
            Age
          </Head>
          <Head width="w-34" show="max-lg:hidden" right>
            Lease or expiry
          </Head>
          <Head width="w-24" show="max-lg:hidden" right>
            Duration
          </Head>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <Row
            key={row.id}
            row={row}
            selection={selection}
            onToggle={(event) => selection?.toggle(row, event.shiftKey ? rows : undefined, index)}
            hasArrived={arrived.has(row.id)}
          />
        ))}
      </tbody>
    </table>
  );
}

/** Tells which rows were not there when the list was last shown: they are lit up for a moment. */
function useArrived(rows: readonly KeyRow[]): ReadonlySet<string> {
  const known = useRef<ReadonlySet<string> | null>(null);
  useEffect(() => {
    known.current = new Set(rows.map(({ id }) => id));
  }, [rows]);
  const before = known.current;
  return new Set(before === null ? [] : rows.flatMap(({ id }) => (before.has(id) ? [] : [id])));
}

function SelectAll({ rows, selection }: { rows: readonly KeyRow[]; selection: Selection }) {
  const chosen = rows.filter(({ id }) => selection.ids.has(id)).length;
  const all = chosen > 0 && chosen === rows.length;
  return (
    <input
      type="checkbox"
      aria-label="Select all keys of this page"
      title="Select all keys of this page"
      checked={all}
      ref={(box) => {
        if (box) box.indeterminate = chosen > 0 && !all;
      }}
      onChange={() => selection.setAll(rows, !all)}
      className="mx-auto block size-4 accent-accent"
    />
  );
}

interface RowProps {
  readonly row: KeyRow;
  readonly selection: KeyTableProps['selection'];
  readonly onToggle: (event: MouseEvent) => void;
  readonly hasArrived: boolean;
}

function Row({ row, selection, onToggle, hasArrived }: RowProps) {
  const selected = selection?.ids.has(row.id) ?? false;
  return (
    <tr
      className={`group h-9 border-t border-line hover:bg-sunken has-[a:focus-visible]:bg-accent-soft ${selected ? 'bg-accent-soft' : ''} ${hasArrived ? 'arrives' : ''}`}
    >
      {selection && (
        <td className="relative">
          <span aria-hidden className={`absolute inset-y-1 left-0 w-0.5 rounded-r ${lookOf(row).bar}`} />
          <input
            type="checkbox"
            aria-label={`Select the key ${row.key}`}
            checked={selected}
            onClick={onToggle}
            onChange={() => {}}
            className="mx-auto block size-4 accent-accent"
          />
        </td>
      )}
      <Cell show="max-sm:hidden" first={!selection}>
        <span className="flex">
          <StateBadge {...row} />
        </span>
      </Cell>
      <th scope="row" className={`py-1.5 pr-2 font-normal ${selection ? 'pl-2' : 'max-sm:pl-4 sm:pl-2'}`}>
        <span className="flex sm:hidden">
          <StateBadge {...row} />
        </span>
        <Link
          href={keyPath(row)}
          data-row={row.id}
          className="block truncate font-mono text-ink hover:underline focus-visible:underline"
          title={row.key}
        >
          <Verbatim text={row.key} empty="empty key" />
        </Link>
        <span className="block truncate text-xs text-muted md:hidden">
          <Verbatim text={row.scope} /> · <Verbatim text={row.operation} />
        </span>
      </th>
      <Cell show="max-md:hidden" text={row.scope} />
      <Cell show="max-md:hidden" text={row.operation} />
      <Cell show="max-[1400px]:hidden" right>
        {row.attempts}
      </Cell>
      <Cell show="max-[1400px]:hidden" right>
        {row.replays}
      </Cell>
      <Cell right>
        <Ago at={row.startedAt ?? row.createdAt} suffix="" />
      </Cell>
      <Cell show="max-lg:hidden" right>
        <LeaseOrExpiry row={row} />
      </Cell>
      <Cell show="max-lg:hidden" right>
        {row.durationMs === null ? <Unknown /> : formatDuration(row.durationMs)}
      </Cell>
    </tr>
  );
}

function LeaseOrExpiry({ row }: { row: KeyRow }) {
  const held = row.state === 'running' || row.state === 'lapsed';
  return held ? <Until at={row.leaseExpiresAt} over="lapsed" /> : <Until at={row.expiresAt} over="expired" />;
}

interface HeadProps {
  readonly width?: string;
  readonly show?: string;
  readonly right?: boolean;
  /** The cell is the first of its row: its text begins below the title of the card. */
  readonly first?: boolean;
  readonly title?: string | undefined;
  readonly children: ReactNode;
}

function Head({ width = '', show = '', right = false, first = false, title, children }: HeadProps) {
  return (
    <th
      scope="col"
      title={title}
      className={`sticky top-(--header) z-10 bg-surface py-2 font-semibold shadow-[inset_0_-1px_var(--color-line)] ${first ? 'pr-2 pl-4' : 'px-2'} ${width} ${show} ${right ? 'text-right last:pr-4' : ''}`}
    >
      {children}
    </th>
  );
}

interface CellProps {
  readonly show?: string;
  readonly right?: boolean;
  readonly first?: boolean;
  readonly text?: string;
  readonly children?: ReactNode;
}

function Cell({ show = '', right = false, first = false, text, children }: CellProps) {
  return (
    <td
      title={text}
      className={`truncate py-1.5 ${first ? 'pr-2 pl-4' : 'px-2'} ${show} ${right ? 'text-right last:pr-4' : ''}`}
    >
      {text === undefined ? children : <Verbatim text={text} />}
    </td>
  );
}
