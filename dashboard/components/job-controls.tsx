import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { Job } from '../../server/admin/contract.ts';
import { api, messageOf } from '../api.ts';
import { useAnnounce } from '../hooks/use-announce.tsx';
import { useCommandKey } from '../hooks/use-command-key.ts';
import { useReadOnlyReason } from '../hooks/use-me.ts';
import { formatCount } from '../lib/format.ts';
import { jobsChanged } from '../queries.ts';
import { Button } from './button.tsx';
import { CancelJobDialog } from './cancel-job-dialog.tsx';
import { Field, inputClass } from './field.tsx';
import { Notice } from './notice.tsx';

/** Starts, resumes or cancels a job: as its state allows. */
export function JobControls({ job }: { job: Job }) {
  const [cancelling, setCancelling] = useState(false);
  const readOnly = useReadOnlyReason();
  if (job.state === 'done' || job.state === 'cancelled') return null;
  if (readOnly !== null) return <p className="text-muted">{readOnly}</p>;
  return (
    <div className="flex flex-wrap items-end gap-3">
      {job.state === 'planned' && job.total > 0 && <Start job={job} />}
      {job.state === 'paused' && <Resume job={job} />}
      <Button onClick={() => setCancelling(true)}>Cancel the job…</Button>
      {cancelling && <CancelJobDialog job={job} onClose={() => setCancelling(false)} />}
    </div>
  );
}

function Start({ job }: { job: Job }) {
  const [typed, setTyped] = useState('');
  const [tried, setTried] = useState(false);
  const matches = typed.trim() === String(job.total);
  const start = useJobCommand(
    (commandKey) => api.bulk.start.mutate({ id: job.id, count: job.total, commandKey }),
    'The job has started.',
  );

  function submit(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    if (matches) start.mutate();
  }

  return (
    <form noValidate onSubmit={submit} className="flex flex-wrap items-end gap-3">
      <div className="w-64">
        <Field
          label={`Type ${job.total} to start`}
          problem={tried && !matches ? `The plan has ${formatCount(job.total)} keys.` : null}
        >
          {(control) => (
            <input
              {...control}
              inputMode="numeric"
              autoComplete="off"
              className={inputClass}
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
            />
          )}
        </Field>
      </div>
      <Button type="submit" tone="danger" disabled={start.isPending}>
        Start the job
      </Button>
      {start.error && <Notice tone="problem" role="alert" title={messageOf(start.error)} />}
    </form>
  );
}

function Resume({ job }: { job: Job }) {
  const resume = useJobCommand(
    (commandKey) => api.bulk.resume.mutate({ id: job.id, commandKey }),
    'The job goes on.',
  );
  return (
    <>
      <Button tone="primary" disabled={resume.isPending} onClick={() => resume.mutate()}>
        Resume the job
      </Button>
      {resume.error && <Notice tone="problem" role="alert" title={messageOf(resume.error)} />}
    </>
  );
}

function useJobCommand(send: (commandKey: string) => Promise<Job>, done: string) {
  const client = useQueryClient();
  const announce = useAnnounce();
  const keyOf = useCommandKey();
  return useMutation({
    mutationFn: () => send(keyOf(done)),
    onSuccess: () => announce({ tone: 'done', text: done }),
    onSettled: () => jobsChanged(client),
  });
}
