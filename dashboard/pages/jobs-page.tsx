import { Link } from 'wouter';
import { JobBadge } from '../components/jobs/job-badge.tsx';
import { PageTitle } from '../components/ui/page-title.tsx';
import { Ago } from '../components/ui/time.tsx';
import { Verbatim } from '../components/ui/verbatim.tsx';
import { NothingYet, View } from '../components/ui/view.tsx';
import { useLiveQuery } from '../hooks/use-live-query.ts';
import { actionName } from '../lib/actions.ts';
import { formatCount } from '../lib/format.ts';
import { jobsQuery } from '../queries.ts';

export function JobsPage() {
  const jobs = useLiveQuery(jobsQuery);
  return (
    <>
      <PageTitle title="Bulk jobs" />
      <section aria-label="Bulk jobs" className="card overflow-hidden">
        <View query={jobs} what="the bulk jobs">
          {(list) =>
            list.length === 0 ? (
              <NothingYet title="No bulk job yet">
                <p>
                  Filter{' '}
                  <Link className="link" href="/keys">
                    the keys
                  </Link>{' '}
                  or select some, then plan a job for them. You see its plan before anything is done.
                </p>
              </NothingYet>
            ) : (
              <ul>
                {list.map((job) => (
                  <li key={job.id} className="border-t border-line first:border-0">
                    <Link
                      href={`/bulk/${encodeURIComponent(job.id)}`}
                      className="grid items-center gap-x-4 gap-y-0.5 px-4 py-2.5 hover:bg-sunken sm:grid-cols-[8rem_minmax(0,1fr)_auto]"
                    >
                      <span>
                        <JobBadge state={job.state} />
                      </span>
                      <span className="min-w-0">
                        <span className="font-medium">{actionName(job.action)}</span>{' '}
                        <span className="text-muted">
                          by <Verbatim text={job.by} />
                        </span>
                        <span className="block truncate text-muted">
                          <Verbatim text={job.reason} />
                        </span>
                      </span>
                      <span className="text-muted sm:text-right">
                        {formatCount(job.done + job.refused)} of {formatCount(job.total)} ·{' '}
                        <Ago at={job.createdAt} />
                      </span>
                    </Link>
                  </li>
                ))}
              </ul>
            )
          }
        </View>
      </section>
    </>
  );
}
