import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import type { Job } from '../../../server/admin/contract.ts';
import { api, messageOf } from '../../api.ts';
import { useAnnounce } from '../../hooks/use-announce.tsx';
import { useCommandKey } from '../../hooks/use-command-key.ts';
import { jobsChanged } from '../../queries.ts';
import { Dialog } from '../ui/dialog.tsx';
import { DialogActions } from '../ui/dialog-actions.tsx';
import { Notice } from '../ui/notice.tsx';
import { hasReason, ReasonField } from '../ui/reason-field.tsx';

export function CancelJobDialog({ job, onClose }: { job: Job; onClose: () => void }) {
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState(false);
  const first = useRef<HTMLTextAreaElement>(null);
  const client = useQueryClient();
  const announce = useAnnounce();
  const keyOf = useCommandKey();
  const cancel = useMutation({
    mutationFn: () => {
      const command = { id: job.id, reason: reason.trim() };
      return api.bulk.cancel.mutate({ ...command, commandKey: keyOf(command) });
    },
    onSuccess: () => {
      announce({ tone: 'done', text: 'The job is cancelled. What it has done stays done.' });
      onClose();
    },
    onSettled: () => jobsChanged(client),
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    if (hasReason(reason)) cancel.mutate();
  }

  return (
    <Dialog
      title="Cancel the job"
      description="No further key is touched. What is done stays done."
      initialFocus={first}
      onClose={onClose}
    >
      <form noValidate onSubmit={submit}>
        <div className="grid gap-4 p-4">
          <ReasonField value={reason} onChange={setReason} problem={tried} inputRef={first} />
          {cancel.error && <Notice tone="problem" role="alert" title={messageOf(cancel.error)} />}
        </div>
        <DialogActions label="Cancel the job" danger busy={cancel.isPending} onCancel={onClose} />
      </form>
    </Dialog>
  );
}
