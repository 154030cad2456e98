import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { ActionCommand, ActionResult, KeyDetail, Seen } from '../../server/admin/contract.ts';
import { api } from '../api.ts';
import { ACTIONS } from '../lib/actions.ts';
import { recordChanged } from '../queries.ts';
import { useAnnounce } from './use-announce.tsx';
import { useCommandKey } from './use-command-key.ts';

export type Conflict = Extract<ActionResult, { done: false }>;

interface KeyActionOptions {
  /** The record as the operator saw it when they began: the action is a compare-and-set on that. */
  readonly detail: KeyDetail;
  /** Of the page's address. */
  readonly life: string;
  readonly onDone: () => void;
  /** What was confirmed was confirmed of another state. */
  readonly onConflict: () => void;
}

/** Sends an action. When the record is another one by now, says so, and lets it be sent again on what stands. */
export function useKeyAction({ detail, life, onDone, onConflict }: KeyActionOptions) {
  const client = useQueryClient();
  const announce = useAnnounce();
  const keyOf = useCommandKey();
  const [seen, setSeen] = useState<Seen | null>(detail.seen);
  const [conflict, setConflict] = useState<Conflict | null>(null);

  const send = useMutation({
    mutationFn: (command: Omit<ActionCommand, 'commandKey'>) =>
      api.keys.act.mutate({ ...command, commandKey: keyOf(command) }),
    onSuccess: (result, { action }) => {
      recordChanged(client, life, result.detail);
      if (result.done) {
        announce({
          tone: result.isProblem ? 'problem' : 'done',
          text: result.note || ACTIONS[action].done,
        });
        onDone();
        return;
      }
      setConflict(result);
      onConflict();
      setSeen(result.detail?.seen ?? null);
    },
  });

  return { send, seen, conflict };
}
