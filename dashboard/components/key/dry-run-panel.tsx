import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { DryRun, KeyDetail } from '../../../server/admin/contract/contract.ts';
import { dryRunQuery } from '../../queries.ts';
import { Notice } from '../ui/notice.tsx';
import { Verbatim } from '../ui/verbatim.tsx';
import { View } from '../ui/view.tsx';
import { BodyContent } from './body-content.tsx';

interface DryRunPanelProps {
  readonly detail: KeyDetail;
  readonly onResult: (possible: boolean) => void;
}

/** Shows what would be run, and as whom. Nothing is run for it. */
export function DryRunPanel({ detail, onResult }: DryRunPanelProps) {
  const dryRun = useQuery(dryRunQuery(detail));
  const possible = dryRun.data?.possible ?? false;
  useEffect(() => onResult(possible), [possible, onResult]);
  return (
    <section aria-label="Dry run" className="rounded-lg border border-line p-3">
      <h3 className="eyebrow mb-2">Dry run</h3>
      <View query={dryRun} what="the dry run">
        {(data) => <Result dryRun={data} format={detail.request?.format ?? null} />}
      </View>
    </section>
  );
}

function Result({ dryRun, format }: { dryRun: DryRun; format: string | null }) {
  if (!dryRun.possible)
    return (
      <Notice tone="problem" title="It can not be run">
        {dryRun.why}
      </Notice>
    );
  return (
    <dl className="grid gap-1.5">
      <div className="flex gap-2">
        <dt className="w-20 shrink-0 text-muted">Operation</dt>
        <dd className="min-w-0 font-mono wrap-anywhere">
          <Verbatim text={dryRun.operation} />
        </dd>
      </div>
      <div className="flex gap-2">
        <dt className="w-20 shrink-0 text-muted">Runs as</dt>
        <dd className="min-w-0 font-mono wrap-anywhere">
          <Verbatim text={dryRun.actsAs ?? ''} empty="nobody" />
        </dd>
      </div>
      {dryRun.request !== null && (
        <div>
          <dt className="text-muted">Request</dt>
          <dd className="mt-1 max-h-48 overflow-y-auto">
            <BodyContent text={dryRun.request} cut={false} format={format} part="request" />
          </dd>
        </div>
      )}
    </dl>
  );
}
