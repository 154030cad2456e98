import { Link } from 'wouter';
import type { DuplicateGroup } from '../../server/admin/contract/contract.ts';
import { StateBadge } from '../components/key/state-badge.tsx';
import { PageTitle } from '../components/ui/page-title.tsx';
import { Ago, Utc } from '../components/ui/time.tsx';
import { Verbatim } from '../components/ui/verbatim.tsx';
import { NothingYet, View } from '../components/ui/view.tsx';
import { useLiveQuery } from '../hooks/use-live-query.ts';
import { plural } from '../lib/format.ts';
import { keyPath } from '../lib/key-path.ts';
import { listPath } from '../lib/list-address.ts';
import { operationPath } from '../lib/operation-path.ts';
import { duplicatesQuery } from '../queries.ts';

/** Lists the requests that ran under several keys within minutes: no key protects from a client that makes a new one each time. */
export function DuplicatesPage() {
  const duplicates = useLiveQuery(duplicatesQuery);
  return (
    <>
      <PageTitle title="Suspected duplicates" />
      <p className="mb-3 max-w-prose text-muted">
        The same request of the same scope ran under different keys within minutes. Its client probably makes
        a new key for each attempt, so that no key protects it. They are found by a sample, and shown for 24
        hours.
      </p>
      <View query={duplicates} what="the suspected duplicates">
        {({ groups }) =>
          groups.length === 0 ? (
            <section aria-label="Suspected duplicates" className="card">
              <NothingYet title="None in the last 24 hours" />
            </section>
          ) : (
            <ul className="grid gap-3">
              {groups.map((group) => (
                <li key={`${group.scope} ${group.operation} ${group.calls[0]?.key}`}>
                  <Group group={group} />
                </li>
              ))}
            </ul>
          )
        }
      </View>
    </>
  );
}

function Group({ group: { scope, operation, lastAt, calls } }: { group: DuplicateGroup }) {
  return (
    <section aria-label={`${operation} in ${scope}`} className="card overflow-clip">
      <h2 className="flex flex-wrap items-baseline gap-x-2 px-4 pt-3 pb-1">
        <Link className="link font-mono font-semibold" href={operationPath(operation)}>
          <Verbatim text={operation} />
        </Link>
        <span className="text-muted">
          in{' '}
          <Link className="link font-mono" href={listPath({ scope })}>
            <Verbatim text={scope} />
          </Link>
          , under {plural(calls.length, 'key')}, the last <Ago at={lastAt} />
        </span>
      </h2>
      <ul>
        {calls.map(({ key, at, row }) => (
          <li
            key={key}
            className="grid items-center gap-x-4 gap-y-0.5 border-t border-line px-4 py-1.5 sm:grid-cols-[7.5rem_minmax(0,1fr)_auto]"
          >
            <span>{row === null ? <span className="text-muted">Gone</span> : <StateBadge {...row} />}</span>
            <span className="min-w-0 truncate font-mono">
              {row === null ? (
                <Verbatim text={key} />
              ) : (
                <Link href={keyPath(row)} className="hover:underline">
                  <Verbatim text={key} />
                </Link>
              )}
            </span>
            <span className="text-xs text-muted">
              <Utc at={at} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
