import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { ActionCommand, ActionResult, KeyDetail, Seen } from '../../server/admin/contract/contract.ts';
import { api } from '../api.ts';
import { ACTIONS } from '../lib/actions.ts';
import { recordChanged } from '../queries.ts';
import { useAnnounce } from './use-announce.tsx';
import { useCommand } from './use-command.ts';

export type Conflict = Extract<ActionResult, { done: false }>;

interface KeyActionOptions {
  /** The detail is the record as the operator saw it at the beginning: the action is a compare-and-set on that. */
  readonly detail: KeyDetail;
  /** The life is that of the page's address. */
  readonly life: string;
  readonly onDone: () => void;
  /** Is called when the record has changed: the operator's confirmation was for another state. */
  readonly onConflict: () => void;
}

/**
 * Sends an action. When the record has changed meanwhile, it says so, and lets the action be sent again on the record
 * that stands.
 */
export function useKeyAction({ detail, life, onDone, onConflict }: KeyActionOptions) {
  const client = useQueryClient();
  const announce = useAnnounce();
  const [seen, setSeen] = useState<Seen | null>(detail.seen);
  const [conflict, setConflict] = useState<Conflict | null>(null);

  const send = useCommand({
    send: (command: ActionCommand) => api.keys.act.mutate(command),
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
