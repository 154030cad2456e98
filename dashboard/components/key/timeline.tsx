import {
  Ban,
  CircleCheck,
  CircleHelp,
  CircleX,
  Clock,
  Hourglass,
  type LucideIcon,
  PlayCircle,
  Undo2,
  UserRound,
} from 'lucide-react';
import type { KeyDetail, Refusals, TimelineEntry } from '../../../server/admin/contract/contract.ts';
import { actionName } from '../../lib/actions.ts';
import { formatDuration } from '../../lib/duration.ts';
import { formatCount } from '../../lib/format.ts';
import { REFUSAL_ANSWERS } from '../../lib/refusal-answers.ts';
import { Ago, Utc } from '../ui/time.tsx';
import { Verbatim } from '../ui/verbatim.tsx';

const EVENTS: Readonly<Record<string, readonly [label: string, icon: LucideIcon, colour: string]>> = {
  claimed: ['Started', PlayCircle, 'text-running'],
  completed: ['Completed', CircleCheck, 'text-success'],
  released: ['Released', Undo2, 'text-released'],
  in_doubt: ['Put in doubt', CircleHelp, 'text-in-doubt'],
  taken_over: ['Taken over', Hourglass, 'text-lapsed'],
  completed_late: ['Late result recorded', CircleCheck, 'text-success'],
  operator: ['Operator', UserRound, 'text-accent'],
};

const FAILED = ['Completed with an error', CircleX, 'text-error'] as const;

/** Lists what happened to this key, the newest first. */
export function Timeline({ detail }: { detail: KeyDetail }) {
  const { timeline, timelineIsCut, outcome, refusals } = detail;
  const moments = [...timeline, ...refusals].toSorted((one, other) => momentOf(other) - momentOf(one));
  return (
    <section aria-labelledby="timeline" className="card min-w-0 p-4">
      <h2 id="timeline" className="mb-3 font-semibold">
        Timeline
      </h2>
      {timeline.length + refusals.length === 0 && <p className="text-muted">Nothing is recorded.</p>}
      <ol className="grid">
        {moments.map((entry, index) =>
          'code' in entry ? (
            <Refused key={entry.code} refusals={entry} />
          ) : (
            <Entry
              // biome-ignore lint/suspicious/noArrayIndexKey: the order is the only name that entries have
              key={index}
              entry={entry}
              failed={entry.event === 'completed' && outcome === 'error'}
            />
          ),
        )}
      </ol>
      {timelineIsCut && (
        <p className="mt-2 text-xs text-muted">Earlier ones are not kept: the last 20 are.</p>
      )}
    </section>
  );
}

function momentOf(entry: TimelineEntry | Refusals): number {
  return 'code' in entry ? entry.lastAt : (entry.at ?? 0);
}

/** Says which calls of the key were refused, so that a client who asks "why do I get 422?" gets an answer. */
function Refused({ refusals: { code, count, lastAt } }: { refusals: Refusals }) {
  const answer = REFUSAL_ANSWERS[code];
  return (
    <li className="group relative grid grid-cols-[1.25rem_1fr] gap-2.5 pb-4 last:pb-0">
      <span aria-hidden className="absolute top-5 bottom-0 left-2 w-px bg-line group-last:hidden" />
      <Ban aria-hidden className="mt-0.5 size-4 text-lapsed" />
      <div className="min-w-0">
        <p className="flex flex-wrap items-baseline gap-x-2">
          <span className="font-medium">Refused {count === 1 ? 'once' : `${formatCount(count)} times`}</span>
          <span className="text-muted">
            last <Ago at={lastAt} />
          </span>
        </p>
        <p className="font-mono text-xs wrap-anywhere">{code}</p>
        {answer && (
          <p className="text-xs text-muted">
            Status {answer.status}. {answer.advice}
          </p>
        )}
      </div>
    </li>
  );
}

function Entry({ entry, failed }: { entry: TimelineEntry; failed: boolean }) {
  const known = failed ? FAILED : EVENTS[entry.event];
  const [label, Icon, colour] = known ?? [entry.event, Clock, 'text-muted'];
  const hasRun = entry.event !== 'claimed' && entry.action === null;
  const tookMs =
    hasRun && entry.at !== null && entry.startedAt !== null && entry.at >= entry.startedAt
      ? entry.at - entry.startedAt
      : null;
  return (
    <li className="group relative grid grid-cols-[1.25rem_1fr] gap-2.5 pb-4 last:pb-0">
      <span aria-hidden className="absolute top-5 bottom-0 left-2 w-px bg-line group-last:hidden" />
      <Icon aria-hidden className={`mt-0.5 size-4 ${colour}`} />
      <div className="min-w-0">
        <p className="flex flex-wrap items-baseline gap-x-2">
          <span className="font-medium">
            {label}
            {entry.action && `: ${actionName(entry.action).toLowerCase()}`}
          </span>
          {entry.current && (
            <span className="rounded bg-accent-soft px-1.5 text-xs font-semibold text-accent">now</span>
          )}
          <span className="text-muted">
            <Ago at={entry.at} />
            {tookMs !== null && `, after ${formatDuration(tookMs)}`}
          </span>
        </p>
        {entry.by !== null && (
          <p className="text-muted">
            by <Verbatim text={entry.by} />
          </p>
        )}
        {entry.reason !== null && (
          <p className="wrap-anywhere">
            <Verbatim text={entry.reason} empty="no reason given" />
          </p>
        )}
        <p className="text-xs text-muted" title={`Fence ${entry.fence}`}>
          <Utc at={entry.at} />
        </p>
      </div>
    </li>
  );
}
