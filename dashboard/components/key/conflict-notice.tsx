import type { KeyDetail } from '../../../server/admin/contract/contract.ts';
import type { Conflict } from '../../hooks/use-key-action.ts';
import { Notice } from '../ui/notice.tsx';
import { StateBadge } from './state-badge.tsx';

interface ConflictNoticeProps {
  readonly before: KeyDetail;
  readonly conflict: Conflict;
  readonly refused: string | null;
}

/**
 * Says that the record changed before the operator's action came: what it was, what it is, and that nothing was done.
 */
export function ConflictNotice({ before, conflict, refused }: ConflictNoticeProps) {
  const now = conflict.detail;
  return (
    <Notice tone="problem" role="alert" title="Nothing was done: the record has changed">
      <p>{conflict.why}</p>
      {now && (
        <dl className="mt-2 grid gap-1">
          <State label="You saw" detail={before} />
          <State label="It is now" detail={now} />
        </dl>
      )}
      {now && <p className="mt-1">{now.sentence}</p>}
      <p className="mt-1 font-medium">
        {refused === null
          ? 'Look at it again, and confirm it again, before you go on. Your reason is kept.'
          : `Not possible any more: ${refused}`}
      </p>
    </Notice>
  );
}

function State({ label, detail }: { label: string; detail: KeyDetail }) {
  return (
    <div className="flex flex-wrap items-center gap-x-2">
      <dt className="w-16 text-muted">{label}</dt>
      <dd className="flex flex-wrap items-center gap-x-2">
        <StateBadge {...detail} />
        <span className="text-xs text-muted">
          fence <span className="font-mono">{detail.fence}</span>, attempt {detail.attempts}
        </span>
      </dd>
    </div>
  );
}
