import type { UseQueryResult } from '@tanstack/react-query';
import type { KeyDetail } from '../../server/admin/contract/contract.ts';
import { statusOf } from '../api.ts';
import { AuditList } from '../components/audit/audit-list.tsx';
import { ActionPanel } from '../components/key/action-panel.tsx';
import { EvidenceCard } from '../components/key/evidence-card.tsx';
import { KeyHeading, KeyNav } from '../components/key/key-heading.tsx';
import { KeyState } from '../components/key/key-state.tsx';
import { KeyTabs } from '../components/key/key-tabs.tsx';
import { Timeline } from '../components/key/timeline.tsx';
import { Facts } from '../components/ui/facts.tsx';
import { Notice } from '../components/ui/notice.tsx';
import { PageTitle } from '../components/ui/page-title.tsx';
import { NothingMatches, View } from '../components/ui/view.tsx';
import { useLiveQuery } from '../hooks/use-live-query.ts';
import { NO_LIFE } from '../lib/key-path.ts';
import { keyQuery } from '../queries.ts';

export function KeyPage({ id, life }: { id: string; life: string }) {
  const key = useLiveQuery(keyQuery({ id, life }));
  const gone = statusOf(key.error) === 404;
  return (
    <>
      <KeyNav id={id} />
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
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4">
      <KeyHeading detail={detail} />
      {isLater && (
        <Notice tone="info" title="This key has begun a new life since this page’s address was made">
          What you see is the record as it is now.
        </Notice>
      )}
      {/* The order here is the order that is seen, on wide and on narrow pages: the focus follows it. */}
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-4 lg:grid-cols-[minmax(0,1fr)_18rem] lg:grid-rows-[auto_1fr] xl:grid-cols-[minmax(0,1fr)_20rem]">
        <div className="grid min-w-0 gap-4">
          <KeyState detail={detail} />
          {detail.hasProbe && <EvidenceCard detail={detail} />}
        </div>
        <div className="lg:sticky lg:top-16 lg:row-span-2">
          <ActionPanel detail={detail} life={life} />
        </div>
        <div className="grid min-w-0 grid-cols-[minmax(0,1fr)] gap-4">
          <div className="grid items-start gap-4 md:grid-cols-[minmax(0,1.1fr)_minmax(0,1fr)]">
            <Timeline detail={detail} />
            <Facts detail={detail} />
          </div>
          <KeyTabs detail={detail} />
          <AuditList filter={{ keyId: detail.id }} title="Audit trail" />
        </div>
      </div>
    </div>
  );
}
