import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import type { BulkAction } from '../../../server/admin/contract.ts';
import { api, messageOf } from '../../api.ts';
import { useCommandKey } from '../../hooks/use-command-key.ts';
import { ACTIONS } from '../../lib/actions.ts';
import { filterOf, formatSearch, type Term } from '../../lib/filter.ts';
import { plural } from '../../lib/format.ts';
import { jobsChanged } from '../../queries.ts';
import { Dialog } from '../ui/dialog.tsx';
import { DialogActions } from '../ui/dialog-actions.tsx';
import { Field, inputClass } from '../ui/field.tsx';
import { Notice } from '../ui/notice.tsx';
import { hasReason, ReasonField } from '../ui/reason-field.tsx';

const BULK_ACTIONS = ['mark_failed', 'allow_retry', 'expire'] as const satisfies readonly BulkAction[];

interface BulkPlanDialogProps {
  readonly terms: readonly Term[];
  /** The plan is about these keys when there are any, and not about what the terms match. */
  readonly selected: ReadonlySet<string>;
  readonly onClose: () => void;
}

/** Makes the plan of a job: nothing is done to any key before its count has been typed on the job's page. */
export function BulkPlanDialog({ terms, selected, onClose }: BulkPlanDialogProps) {
  const [action, setAction] = useState<BulkAction>('mark_failed');
  const [reason, setReason] = useState('');
  const [error, setError] = useState('');
  const [tried, setTried] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const keyOf = useCommandKey();
  const needsError = action === 'mark_failed';
  const plan = useMutation({
    mutationFn: () => {
      const message = needsError ? { error: error.trim() } : {};
      const keys = selected.size > 0 ? { ids: [...selected] } : { filter: filterOf(terms) };
      const command = { action, ...keys, reason: reason.trim(), ...message };
      return api.bulk.plan.mutate({ ...command, commandKey: keyOf(command) });
    },
    onSuccess: (job) => {
      jobsChanged(client);
      navigate(`/bulk/${encodeURIComponent(job.id)}`);
    },
  });

  const which =
    selected.size > 0
      ? `The ${plural(selected.size, 'key')} that you selected`
      : `The keys that match ${formatSearch(terms) || 'everything'} now`;

  function submit(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    if (hasReason(reason) && !(needsError && error.trim() === '')) plan.mutate();
  }

  return (
    <Dialog
      title="Plan a bulk job"
      description={`${which}. Nothing is done before you have seen the plan.`}
      initialFocus={first}
      onClose={onClose}
    >
      <form noValidate onSubmit={submit}>
        <div className="grid gap-4 p-4">
          <fieldset className="grid gap-2">
            <legend className="mb-1 font-medium">Action</legend>
            {BULK_ACTIONS.map((value) => (
              <label key={value} className="flex items-start gap-2">
                <input
                  ref={value === action ? first : undefined}
                  type="radio"
                  name="action"
                  checked={action === value}
                  onChange={() => setAction(value)}
                  className="mt-0.5 size-4 accent-accent"
                />
                <span>
                  <span className="font-medium">{ACTIONS[value].label.replace('…', '')}</span>
                  <span className="block text-xs text-muted">{ACTIONS[value].effect}</span>
                </span>
              </label>
            ))}
          </fieldset>
          {needsError && (
            <Field
              label="Error message"
              hint="What each client’s retry is told."
              problem={tried && error.trim() === '' ? 'Give the message of the error.' : null}
            >
              {(control) => (
                <input
                  {...control}
                  className={inputClass}
                  value={error}
                  onChange={(event) => setError(event.target.value)}
                />
              )}
            </Field>
          )}
          <ReasonField value={reason} onChange={setReason} problem={tried} />
          {plan.error && <Notice tone="problem" role="alert" title={messageOf(plan.error)} />}
        </div>
        <DialogActions label="Make the plan" busy={plan.isPending} onCancel={onClose} />
      </form>
    </Dialog>
  );
}
