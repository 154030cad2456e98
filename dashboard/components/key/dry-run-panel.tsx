import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo } from 'react';
import type { DryRun, KeyDetail } from '../../../server/admin/contract/contract.ts';
import { readJson } from '../../lib/json-tree.ts';
import { dryRunQuery } from '../../queries.ts';
import { JsonTree } from '../ui/json-tree.tsx';
import { LongText } from '../ui/long-text.tsx';
import { Notice } from '../ui/notice.tsx';
import { Verbatim } from '../ui/verbatim.tsx';
import { View } from '../ui/view.tsx';

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
        {(data) => <Result dryRun={data} />}
      </View>
    </section>
  );
}

function Result({ dryRun }: { dryRun: DryRun }) {
  const node = useMemo(
    () => (dryRun.request === null ? undefined : readJson(dryRun.request)),
    [dryRun.request],
  );
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
          <dd className="max-h-48 overflow-y-auto font-mono text-xs">
            {node ? <JsonTree node={node} /> : <LongText text={dryRun.request} />}
          </dd>
        </div>
      )}
    </dl>
  );
}
