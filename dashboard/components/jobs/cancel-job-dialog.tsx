import { useQueryClient } from '@tanstack/react-query';
import type { Job } from '../../../server/admin/contract/job.ts';
import { api } from '../../api.ts';
import { useAnnounce } from '../../hooks/use-announce.tsx';
import { useCommand } from '../../hooks/use-command.ts';
import { jobsChanged } from '../../queries.ts';
import { ReasonDialog } from '../ui/reason-dialog.tsx';

export function CancelJobDialog({ job: { id }, onClose }: { job: Job; onClose: () => void }) {
  const client = useQueryClient();
  const announce = useAnnounce();
  const cancel = useCommand({
    send: api.bulk.cancel.mutate,
    onSuccess: () => {
      announce({ tone: 'done', text: 'The job is cancelled. What it has done stays done.' });
      onClose();
    },
    onSettled: () => jobsChanged(client),
  });

  return (
    <ReasonDialog
      title="Cancel the job"
      description="No further key is touched. What is done stays done."
      label="Cancel the job"
      example="INC-4211: the provider answers again, clients retry by themselves"
      danger
      command={cancel}
      onSubmit={(reason) => cancel.mutate({ id, reason })}
      onClose={onClose}
    />
  );
}
