import type { ReactNode } from 'react';
import type { KeyDetail } from '../../../server/admin/contract/contract.ts';
import { formatDuration } from '../../lib/duration.ts';
import { formatBytes } from '../../lib/format.ts';
import { Ago, Unknown, Until, Utc } from './time.tsx';
import { Verbatim } from './verbatim.tsx';

/** Shows the exact numbers of a record. */
export function Facts({ detail }: { detail: KeyDetail }) {
  const held = detail.state === 'running' || detail.state === 'lapsed';
  return (
    <section aria-labelledby="facts" className="card p-4">
      <h2 id="facts" className="mb-2 font-semibold">
        Record
      </h2>
      <dl className="grid gap-1.5">
        <Fact name="Attempts">{detail.attempts}</Fact>
        <Fact name="Replays">{detail.replays}</Fact>
        <Fact name="Started">
          <Ago at={detail.startedAt} />
        </Fact>
        {held && (
          <Fact name="Lease">
            <Until at={detail.leaseExpiresAt} over="lapsed" />
          </Fact>
        )}
        <Fact name="Duration">
          {detail.durationMs === null ? <Unknown /> : formatDuration(detail.durationMs)}
        </Fact>
        <Fact name="Forgotten">
          <Until at={detail.expiresAt} over="since" />
        </Fact>
        <Fact name="Created">
          <Utc at={detail.createdAt} />
        </Fact>
        {detail.traceUrl !== null && (
          <Fact name="Trace">
            <a href={detail.traceUrl} target="_blank" rel="noreferrer" className="link">
              of the last run
            </a>
          </Fact>
        )}
        <Fact name="Transactional">{detail.transactional ? 'yes' : 'no'}</Fact>
        <Fact name="Fence" code={detail.fence} />
        <Fact name="Life" code={detail.life} />
        <Fact name="Owner" code={detail.owner} />
        <Fact name="Fingerprint" code={detail.fingerprint ?? 'none'} />
        {detail.selection !== null && <Fact name="Selection" code={detail.selection} />}
        <Fact name="Record id" code={detail.id} />
      </dl>
      <Steps steps={detail.steps} />
    </section>
  );
}

function Steps({ steps }: Pick<KeyDetail, 'steps'>) {
  if (steps.length === 0) return null;
  return (
    <>
      <h3 className="eyebrow mt-4 mb-1">Steps that are done</h3>
      <ol className="grid gap-1">
        {steps.map(({ name, at, bytes }) => (
          <li key={name} className="flex flex-wrap justify-between gap-x-3">
            <span className="font-mono text-xs wrap-anywhere">
              <Verbatim text={name} />
            </span>
            <span className="text-xs text-muted">
              <Ago at={at} />, {formatBytes(bytes)}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}

function Fact({ name, code, children }: { name: string; code?: string; children?: ReactNode }) {
  return (
    <div className="grid grid-cols-[6.5rem_minmax(0,1fr)] gap-2">
      <dt className="text-muted">{name}</dt>
      <dd className="min-w-0 wrap-anywhere">
        {code === undefined ? (
          children
        ) : (
          <span className="font-mono text-xs">
            <Verbatim text={code} />
          </span>
        )}
      </dd>
    </div>
  );
}
