import type { ReactNode } from 'react';
import type { KeyDetail } from '../../../server/admin/contract/contract.ts';
import { formatDuration } from '../../lib/duration.ts';
import { formatBytes } from '../../lib/format.ts';
import { WORDS } from '../../lib/words.ts';
import { CopyButton } from './copy-button.tsx';
import { Ago, Unknown, Until, Utc } from './time.tsx';
import { Verbatim } from './verbatim.tsx';

/** Shows the exact numbers of a record: first what an operator asks for, then what a developer compares. */
export function Facts({ detail }: { detail: KeyDetail }) {
  const held = detail.state === 'running' || detail.state === 'lapsed';
  return (
    <section aria-labelledby="facts" className="card min-w-0 p-4">
      <h2 id="facts" className="mb-2 font-semibold">
        Record
      </h2>
      <dl className="grid gap-x-6 gap-y-1.5">
        <Fact name="Started">
          <Ago at={detail.startedAt} />
        </Fact>
        <Fact name="Duration">
          {detail.durationMs === null ? <Unknown /> : formatDuration(detail.durationMs)}
        </Fact>
        {held && (
          <Fact name="Lease">
            <Until at={detail.leaseExpiresAt} over="lapsed" />
          </Fact>
        )}
        <Fact name="Attempts">{detail.attempts}</Fact>
        <Fact name="Replays">{detail.replays}</Fact>
        <Fact name="Kept">
          <Until at={detail.expiresAt} over="expired" ahead="for another" />
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
      </dl>
      <Steps steps={detail.steps} />
      <details className="mt-3 border-t border-line pt-2.5">
        <summary className="w-fit rounded text-xs text-muted hover:text-ink">Identifiers</summary>
        <dl className="mt-2.5 grid gap-2.5">
          <Identifier name="Record id" text={detail.id} />
          <Identifier name="Fence" text={detail.fence} />
          <Identifier name="Life" text={detail.life} />
          <Identifier name="Owner" text={detail.owner} />
          <Identifier name="Fingerprint" text={detail.fingerprint ?? 'none'} />
          {detail.selection !== null && <Identifier name="Selection" text={detail.selection} />}
          <Identifier name="Transactional" text={detail.transactional ? 'yes' : 'no'} />
        </dl>
      </details>
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

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="grid grid-cols-[5.5rem_minmax(0,1fr)] gap-2">
      <dt className="text-muted" title={WORDS[name]}>
        {name}
      </dt>
      <dd className="min-w-0 wrap-anywhere">{children}</dd>
    </div>
  );
}

/** Shows what a developer compares or looks up, with a sentence on what it is for. */
function Identifier({ name, text }: { name: string; text: string }) {
  return (
    <div>
      <dt className="text-xs font-semibold text-muted">{name}</dt>
      <dd className="flex items-start gap-1">
        <span className="min-w-0 font-mono text-xs leading-6 wrap-anywhere">
          <Verbatim text={text} />
        </span>
        <CopyButton text={text} what={name.toLowerCase()} />
      </dd>
      <dd className="text-xs text-muted">{WORDS[name]}</dd>
    </div>
  );
}
