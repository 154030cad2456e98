import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { KeyDetail } from '../../../server/admin/contract/contract.ts';
import { errorsIn } from '../../lib/error-summary.ts';
import { stateText } from '../../lib/state-text.ts';
import { bodyVersionOf } from '../../lib/version.ts';
import { bodyQuery } from '../../queries.ts';
import { Verbatim } from '../ui/verbatim.tsx';
import { RetryNow } from './retry-now.tsx';
import { lookOf, StateBadge } from './state-badge.tsx';

/** Shows how the key stands, why, and what a retry would get now: an operator needs this before anything else. */
export function KeyState({ detail }: { detail: KeyDetail }) {
  const { sentence, reason } = stateText(detail.sentence);
  return (
    <section aria-label="State" className="card relative min-w-0 overflow-hidden p-4 pl-5">
      <span aria-hidden className={`absolute inset-y-0 left-0 w-1 ${lookOf(detail).bar}`} />
      <div className="flex flex-wrap items-start gap-x-3 gap-y-2">
        <StateBadge {...detail} size="large" />
        {/* The focus comes here when an action's dialog has closed, and its button has gone with the old state. */}
        <p id="state" tabIndex={-1} className="min-w-0 flex-1 basis-64 self-center text-base wrap-anywhere">
          {sentence}
          {reason !== null && (
            <span className="block text-sm text-muted">
              Reason: <Verbatim text={reason} />
            </span>
          )}
        </p>
      </div>
      {detail.damage !== null && (
        <p className="mt-2 text-unreadable wrap-anywhere">Damaged: {detail.damage}</p>
      )}
      {detail.outcome === 'error' && detail.response?.omitted === null && <WhyItFailed detail={detail} />}
      {/* The sentence says already that a key has expired, and its record may be gone. */}
      {detail.state !== 'expired' && <RetryNow detail={detail} />}
    </section>
  );
}

function WhyItFailed({ detail }: { detail: KeyDetail }) {
  const body = useQuery(bodyQuery(detail, 'response', false, bodyVersionOf(detail)));
  const text = body.data?.text ?? '';
  const errors = useMemo(() => errorsIn(text), [text]);
  if (errors.length === 0) return null;
  return (
    <ul aria-label="Why it failed" className="mt-3 grid gap-1">
      {errors.map(({ message, code, path }, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two errors may say the same
        <li key={index} className="rounded-md bg-error-soft px-3 py-2 wrap-anywhere">
          {code !== null && (
            <span className="mr-2 font-mono text-xs font-semibold text-error">
              <Verbatim text={code} />
            </span>
          )}
          <Verbatim text={message} />
          {path !== null && (
            <span className="ml-2 font-mono text-xs text-muted">
              at <Verbatim text={path} />
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}
