import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { KeyRow } from '../../../server/admin/contract/contract.ts';
import { formatDuration } from '../../lib/duration.ts';
import { keyPath } from '../../lib/key-path.ts';
import { lookOf, StateBadge } from '../key/state-badge.tsx';
import { Ago, Unknown, Until } from '../ui/time.tsx';
import { Verbatim } from '../ui/verbatim.tsx';

interface KeyTableProps {
  readonly rows: readonly KeyRow[];
  readonly caption: string;
  /** The operator can select rows only when this is given. */
  readonly selection?: {
    readonly ids: ReadonlySet<string>;
    readonly toggle: (id: string) => void;
  };
}

/**
 * Lists keys. Columns fold into the key's own cell as the page gets narrower, so that nothing has to be scrolled
 * sideways.
 */
export function KeyTable({ rows, caption, selection }: KeyTableProps) {
  return (
    <table className="w-full table-fixed border-collapse text-left">
      <caption className="sr-only">{caption}</caption>
      <thead>
        <tr className="border-b border-line text-xs text-muted">
          {selection && (
            <Head width="w-9">
              <span className="sr-only">Selected</span>
            </Head>
          )}
          <Head width="w-28" show="max-sm:hidden">
            State
          </Head>
          <Head>Key</Head>
          <Head show="max-md:hidden">Scope</Head>
          <Head show="max-md:hidden">Operation</Head>
          <Head width="w-20" show="max-xl:hidden" right>
            Attempts
          </Head>
          <Head width="w-20" show="max-xl:hidden" right>
            Replays
          </Head>
          <Head width="w-20 sm:w-24" right>
            Age
          </Head>
          <Head width="w-36" show="max-lg:hidden" right>
            Lease or expiry
          </Head>
          <Head width="w-24" show="max-lg:hidden" right>
            Duration
          </Head>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Row key={row.id} row={row} selection={selection} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ row, selection }: { row: KeyRow; selection: KeyTableProps['selection'] }) {
  const selected = selection?.ids.has(row.id) ?? false;
  return (
    <tr
      className={`group border-b border-line last:border-0 hover:bg-sunken has-[a:focus-visible]:bg-accent-soft ${selected ? 'bg-accent-soft' : ''}`}
    >
      {selection && (
        <td className="relative pl-3">
          <span aria-hidden className={`absolute inset-y-1 left-0 w-0.5 rounded-r ${lookOf(row).bar}`} />
          <input
            type="checkbox"
            aria-label={`Select the key ${row.key}`}
            checked={selected}
            onChange={() => selection.toggle(row.id)}
            className="size-4 accent-accent align-middle"
          />
        </td>
      )}
      <Cell show="max-sm:hidden">
        <StateBadge {...row} />
      </Cell>
      <td className="px-2 py-1.5">
        <span className="sm:hidden">
          <StateBadge {...row} />
        </span>
        <Link
          href={keyPath(row)}
          data-row={row.id}
          className="block truncate font-mono text-sm text-ink hover:underline focus-visible:underline"
          title={row.key}
        >
          <Verbatim text={row.key} empty="empty key" />
        </Link>
        <span className="block truncate text-xs text-muted md:hidden">
          <Verbatim text={row.scope} /> · <Verbatim text={row.operation} />
        </span>
      </td>
      <Cell show="max-md:hidden" text={row.scope} />
      <Cell show="max-md:hidden" text={row.operation} />
      <Cell show="max-xl:hidden" right>
        {row.attempts}
      </Cell>
      <Cell show="max-xl:hidden" right>
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
  readonly children: ReactNode;
}

function Head({ width = '', show = '', right = false, children }: HeadProps) {
  return (
    <th scope="col" className={`px-2 py-2 font-semibold ${width} ${show} ${right ? 'text-right' : ''}`}>
      {children}
    </th>
  );
}

interface CellProps {
  readonly show?: string;
  readonly right?: boolean;
  readonly text?: string;
  readonly children?: ReactNode;
}

function Cell({ show = '', right = false, text, children }: CellProps) {
  return (
    <td title={text} className={`truncate px-2 py-1.5 ${show} ${right ? 'text-right' : ''}`}>
      {text === undefined ? children : <Verbatim text={text} />}
    </td>
  );
}
