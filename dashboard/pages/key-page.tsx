import type { UseQueryResult } from '@tanstack/react-query';
import { ChevronLeft } from 'lucide-react';
import { Link } from 'wouter';
import type { KeyDetail } from '../../server/admin/contract/contract.ts';
import { statusOf } from '../api.ts';
import { AuditList } from '../components/audit/audit-list.tsx';
import { ActionPanel } from '../components/key/action-panel.tsx';
import { KeyState } from '../components/key/key-state.tsx';
import { KeyTabs } from '../components/key/key-tabs.tsx';
import { Timeline } from '../components/key/timeline.tsx';
import { CopyButton } from '../components/ui/copy-button.tsx';
import { Facts } from '../components/ui/facts.tsx';
import { Notice } from '../components/ui/notice.tsx';
import { PageTitle } from '../components/ui/page-title.tsx';
import { Verbatim } from '../components/ui/verbatim.tsx';
import { NothingMatches, View } from '../components/ui/view.tsx';
import { useLiveQuery } from '../hooks/use-live-query.ts';
import { NO_LIFE } from '../lib/key-path.ts';
import { keyQuery } from '../queries.ts';

export function KeyPage({ id, life }: { id: string; life: string }) {
  const key = useLiveQuery(keyQuery({ id, life }));
  const gone = statusOf(key.error) === 404;
  return (
    <>
      <Link
        href="/keys"
        className="mb-2 inline-flex items-center gap-0.5 rounded text-xs text-muted hover:text-ink"
      >
        <ChevronLeft aria-hidden className="size-3.5" /> Keys
      </Link>
      {gone ? <Gone last={key.data} life={life} /> : <Found query={key} life={life} />}
    </>
  );
}

function Found({ query, life }: { query: UseQueryResult<KeyDetail>; life: string }) {
  return (
    <View query={query} what="the key">
      {(detail) => <Content detail={detail} life={life} />}
    </View>
  );
}

function Gone({ last, life }: { last: KeyDetail | undefined; life: string }) {
  if (last === undefined) {
    return (
      <>
        <PageTitle title="Key" />
        <NothingMatches>
          <p>There is no such record, or it is not in your scopes. Records are forgotten when they expire.</p>
        </NothingMatches>
      </>
    );
  }
  return (
    <div className="grid gap-4">
      <Notice
        tone="info"
        role="status"
        title="This record is gone: it has expired, and MongoDB has removed it"
      >
        What you see is how it was last.
      </Notice>
      <Content detail={last} life={life} />
    </div>
  );
}

function Content({ detail, life }: { detail: KeyDetail; life: string }) {
  const isLater = life !== NO_LIFE && detail.life !== life;
  return (
    <div className="grid gap-4">
      <Heading detail={detail} />
      {isLater && (
        <Notice tone="info" title="This key has begun a new life since this page’s address was made">
          What you see is the record as it is now.
        </Notice>
      )}
      <KeyState detail={detail} />
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,1fr)_20rem] xl:grid-cols-[minmax(0,1fr)_24rem]">
        <div className="grid min-w-0 gap-4 max-lg:contents">
          <KeyTabs detail={detail} />
          <AuditList filter={{ keyId: detail.id }} title="Audit trail" />
        </div>
        <div className="grid min-w-0 gap-4 max-lg:contents">
          <div className="max-lg:-order-1">
            <ActionPanel detail={detail} life={life} />
          </div>
          <Timeline detail={detail} />
          <Facts detail={detail} />
        </div>
      </div>
    </div>
  );
}

function Heading({ detail }: { detail: KeyDetail }) {
  return (
    <div className="min-w-0">
      <PageTitle title="Key" hidden />
      <div className="flex items-start gap-1.5">
        <p className="min-w-0 font-mono text-lg leading-7 font-semibold wrap-anywhere">
          <Verbatim text={detail.key} empty="empty key" />
        </p>
        <CopyButton text={detail.key} what="key" />
      </div>
      <p className="text-muted wrap-anywhere">
        <span className="font-mono">
          <Verbatim text={detail.operation} />
        </span>{' '}
        in scope{' '}
        <span className="font-mono">
          <Verbatim text={detail.scope} />
        </span>
      </p>
    </div>
  );
}
