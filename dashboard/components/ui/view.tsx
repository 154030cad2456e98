import type { UseQueryResult } from '@tanstack/react-query';
import { Inbox, RotateCw, SearchX, ServerCrash } from 'lucide-react';
import type { ReactNode } from 'react';
import { messageOf } from '../../api.ts';
import { Button } from './button.tsx';

interface ViewProps<T> {
  readonly query: Pick<UseQueryResult<T>, 'data' | 'error' | 'refetch' | 'isFetching'>;
  /** The text names what is loading: "the keys". */
  readonly what: string;
  /** So many lines stand for the content while it is loading. */
  readonly lines?: number;
  readonly children: (data: T) => ReactNode;
}

/** Shows what was answered; until then, that it is loading; without an answer, why, and a way to try again. */
export function View<T>({ query, what, lines = 6, children }: ViewProps<T>) {
  const { data, error } = query;
  if (data === undefined && error) return <Failure query={query} what={what} />;
  if (data === undefined) return <Loading what={what} lines={lines} />;
  return (
    <>
      {error && <Stale query={query} />}
      {children(data)}
    </>
  );
}

function Loading({ what, lines }: { what: string; lines: number }) {
  return (
    <div className="grid gap-2.5 p-4">
      <p role="status" className="sr-only">
        Loading {what}
      </p>
      {Array.from({ length: lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: equal bars
        <div key={line} className="h-5 motion-safe:animate-pulse rounded bg-sunken" />
      ))}
    </div>
  );
}

type FailedQuery = Pick<UseQueryResult, 'error' | 'refetch' | 'isFetching'>;

function Failure({ query, what }: { query: FailedQuery; what: string }) {
  return (
    <Blank
      icon={<ServerCrash aria-hidden className="size-7 text-danger" />}
      title={`Could not load ${what}`}
      role="alert"
    >
      <p className="wrap-anywhere">{messageOf(query.error)}</p>
      <Button onClick={() => void query.refetch()} disabled={query.isFetching}>
        <RotateCw aria-hidden className="size-3.5" /> Try again
      </Button>
    </Blank>
  );
}

/** Says that what is shown is not of now, while the page goes on showing it. */
function Stale({ query }: { query: FailedQuery }) {
  return (
    <p role="alert" className="mb-3 rounded-md bg-danger-soft px-3 py-2 text-danger wrap-anywhere">
      Not up to date: {messageOf(query.error)}{' '}
      <button type="button" className="font-semibold underline" onClick={() => void query.refetch()}>
        Try again
      </button>
    </p>
  );
}

export function NothingMatches({ children }: { children?: ReactNode }) {
  return (
    <Blank icon={<SearchX aria-hidden className="size-7 text-muted" />} title="Nothing matches">
      {children}
    </Blank>
  );
}

export function NothingYet({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Blank icon={<Inbox aria-hidden className="size-7 text-muted" />} title={title}>
      {children}
    </Blank>
  );
}

interface BlankProps {
  readonly icon: ReactNode;
  readonly title: string;
  readonly role?: 'alert';
  readonly children?: ReactNode;
}

function Blank({ icon, title, role, children }: BlankProps) {
  return (
    <div role={role} className="flex flex-col items-center gap-2.5 px-4 py-12 text-center">
      {icon}
      <p className="text-base font-semibold">{title}</p>
      <div className="flex max-w-prose flex-col items-center gap-3 text-muted">{children}</div>
    </div>
  );
}
