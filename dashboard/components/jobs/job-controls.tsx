import { useState } from 'react';
import type { Job } from '../../../server/admin/contract/job.ts';
import { api, messageOf } from '../../api.ts';
import { useJobCommand } from '../../hooks/use-job-command.ts';
import { useReadOnlyReason } from '../../hooks/use-me.ts';
import { Button } from '../ui/button.tsx';
import { Notice } from '../ui/notice.tsx';
import { CancelJobDialog } from './cancel-job-dialog.tsx';
import { StartJob } from './start-job.tsx';

/** Starts, resumes or cancels a job, as its state allows. */
export function JobControls({ job }: { job: Job }) {
  const [cancelling, setCancelling] = useState(false);
  const readOnly = useReadOnlyReason();
  if (job.state === 'done' || job.state === 'cancelled') return null;
  if (readOnly !== null) return <p className="text-muted">{readOnly}</p>;
  return (
    <div className="flex flex-wrap items-end gap-3">
      {job.state === 'planned' && job.total > 0 && <StartJob job={job} />}
      {job.state === 'paused' && <Resume job={job} />}
      <Button onClick={() => setCancelling(true)}>Cancel the job…</Button>
      {cancelling && <CancelJobDialog job={job} onClose={() => setCancelling(false)} />}
    </div>
  );
}

function Resume({ job: { id } }: { job: Job }) {
  const resume = useJobCommand('The job goes on.');
  return (
    <>
      <Button
        tone="primary"
        disabled={resume.isPending}
        onClick={() => resume.mutate((commandKey) => api.bulk.resume.mutate({ id, commandKey }))}
      >
        Resume the job
      </Button>
      {resume.error && <Notice tone="problem" role="alert" title={messageOf(resume.error)} />}
    </>
  );
}
