import { useInfiniteQuery } from '@tanstack/react-query';
import { ArrowRight } from 'lucide-react';
import { Link } from 'wouter';
import type { AuditEntry, AuditFilter } from '../../../server/admin/contract/contract.ts';
import { usePollInterval } from '../../hooks/use-live-query.ts';
import { ACTIONS, actionName } from '../../lib/actions.ts';
import { auditQuery } from '../../queries.ts';
import { Button } from '../ui/button.tsx';
import { Ago, Utc } from '../ui/time.tsx';
import { Verbatim } from '../ui/verbatim.tsx';
import { NothingMatches, NothingYet, View } from '../ui/view.tsx';

interface AuditListProps {
  readonly filter: AuditFilter;
  readonly title: string;
}

/** Lists who did what, when, why, and what it changed; the newest first. */
export function AuditList({ filter, title }: AuditListProps) {
  const audit = useInfiniteQuery({ ...auditQuery(filter), refetchInterval: usePollInterval() });
  const isForKey = filter.keyId !== undefined;
  return (
    <section aria-label={title} className="card min-w-0 overflow-hidden">
      <h2 className="px-4 pt-3 pb-1 font-semibold">{title}</h2>
      <View query={audit} what="the audit trail">
        {({ pages }) => {
          const entries = pages.flatMap((page) => page.entries);
          if (entries.length === 0) return isForKey ? <NoneOfKey /> : <Nothing filter={filter} />;
          return (
            <ul>
              {entries.map((entry) => (
                <Entry key={entry.id} entry={entry} withKey={!isForKey} />
              ))}
            </ul>
          );
        }}
      </View>
      {audit.hasNextPage && (
        <div className="border-t border-line p-2 text-center">
          <Button size="small" disabled={audit.isFetchingNextPage} onClick={() => void audit.fetchNextPage()}>
            Show older entries
          </Button>
        </div>
      )}
    </section>
  );
}

function NoneOfKey() {
  return <p className="px-4 pb-3 text-muted">Nobody has acted on this key.</p>;
}

function Nothing({ filter }: { filter: AuditFilter }) {
  const { folded: _, ...asked } = filter;
  if (Object.keys(asked).length > 0) return <NothingMatches />;
  return (
    <NothingYet title="Nobody has acted yet">
      <p>Every action, reveal, export and bulk job is written down here, with its reason.</p>
    </NothingYet>
  );
}

const OTHER_ACTIONS: Readonly<Record<string, string>> = {
  reveal: 'Reveal secrets',
  export: 'Export',
  audit_export: 'Audit exported',
  act: 'Action on a key',
  bulk_plan: 'Bulk job planned',
  bulk_start: 'Bulk job started',
  bulk_cancel: 'Bulk job cancelled',
  bulk_resume: 'Bulk job resumed',
  erase: 'Scope erased',
};

export const AUDITED_ACTIONS = [...Object.keys(ACTIONS), ...Object.keys(OTHER_ACTIONS)];

export function actionLabel(action: string): string {
  if (Object.hasOwn(ACTIONS, action)) return actionName(action as keyof typeof ACTIONS);
  return OTHER_ACTIONS[action] ?? action;
}

const RESULTS = { refused: 'Refused', intended: 'Begun, and its end is not known' } as const;

function Entry({ entry, withKey }: { entry: AuditEntry; withKey: boolean }) {
  const { at, by, role, via, action, reason, result, note, before, after, keyId, key, scope, jobId } = entry;
  return (
    <li className="grid gap-x-4 gap-y-0.5 border-t border-line px-4 py-2.5 first:border-0 sm:grid-cols-[11rem_minmax(0,1fr)]">
      <div className="text-muted max-sm:flex max-sm:gap-2">
        <p className="text-ink">
          <Ago at={at} />
        </p>
        <p className="text-xs leading-5">
          <Utc at={at} />
        </p>
      </div>
      <div className="min-w-0 wrap-anywhere">
        <p>
          <span className="font-medium">
            <Verbatim text={by} />
          </span>{' '}
          <span className="text-muted">
            ({role}
            {via !== null && (
              <>
                , by the <Verbatim text={via} />
              </>
            )}
            )
          </span>{' '}
          · <span className="font-medium">{actionLabel(action)}</span>
          {result !== 'done' && <span className="font-semibold text-danger"> · {RESULTS[result]}</span>}
          {jobId !== null && (
            <>
              {' '}
              <Link className="link text-xs" href={`/bulk/${encodeURIComponent(jobId)}`}>
                bulk job
              </Link>
              {withKey && keyId === null && (
                <>
                  {' · '}
                  <Link className="link text-xs" href={`/audit?jobId=${encodeURIComponent(jobId)}`}>
                    each of its keys
                  </Link>
                </>
              )}
            </>
          )}
        </p>
        {reason !== '' && (
          <p>
            <Verbatim text={reason} />
          </p>
        )}
        {note !== null && note !== '' && (
          <p className="text-muted">
            <Verbatim text={note} />
          </p>
        )}
        {entry.evidence !== null && (
          <p className="text-muted">
            Evidence: <Verbatim text={entry.evidence.summary} />{' '}
            <span className="text-xs">
              (<Utc at={entry.evidence.at} />)
            </span>
          </p>
        )}
        {withKey && keyId !== null && (
          <p className="text-xs text-muted">
            <Link className="link font-mono" href={`/keys/${encodeURIComponent(keyId)}/-`}>
              <Verbatim text={key ?? keyId} empty="empty key" />
            </Link>
            {scope !== null && (
              <>
                {' in '}
                <Verbatim text={scope} />
              </>
            )}
          </p>
        )}
        {(before !== null || after !== null) && <Change before={before} after={after} />}
      </div>
    </li>
  );
}

function Change({ before, after }: Pick<AuditEntry, 'before' | 'after'>) {
  return (
    <p className="text-xs text-muted">
      <span className="sr-only">from </span>
      <Standing text={before} />
      <ArrowRight aria-hidden className="mx-1.5 inline size-3" />
      <span className="sr-only"> to </span>
      <Standing text={after} />
    </p>
  );
}

/** Shows a state as the audit keeps it, "completed (error), fence 17": the state first, the fence for who looks for it. */
function Standing({ text }: { text: string | null }) {
  const [, state, fence] = /^(.*)(, fence \S+)$/.exec(text ?? '') ?? [];
  return (
    <>
      <span className="font-medium text-ink">
        <Verbatim text={state ?? text ?? 'nothing'} />
      </span>
      {fence !== undefined && <span className="text-[0.6875rem] text-muted">{fence}</span>}
    </>
  );
}
