import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Job } from '../../server/admin/contract/job.ts';
import { statusOf } from '../api.ts';
import { jobsChanged } from '../queries.ts';
import { useAnnounce } from './use-announce.tsx';
import { useCommandKey } from './use-command-key.ts';

/** Sends a command about a job. While there is no answer, it stays the same command; the next one is another. */
export function useJobCommand(done: string) {
  const client = useQueryClient();
  const announce = useAnnounce();
  const keyOf = useCommandKey();
  const [turn, setTurn] = useState(0);
  return useMutation({
    mutationFn: (send: (commandKey: string) => Promise<Job>) => send(keyOf(turn)),
    onSuccess: () => announce({ tone: 'done', text: done }),
    onSettled(_job, error) {
      const isAnswered = error === null || (statusOf(error) ?? 500) < 500;
      if (isAnswered) setTurn(turn + 1);
      jobsChanged(client);
    },
  });
}
