import { useQueryClient } from '@tanstack/react-query';
import { type RefObject, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import type { KeyRow } from '../../../server/admin/contract/contract.ts';
import type { BulkAction } from '../../../server/admin/contract/job.ts';
import { api } from '../../api.ts';
import { useCommand } from '../../hooks/use-command.ts';
import { ACTIONS, actionName } from '../../lib/actions.ts';
import { filterOf, type Term } from '../../lib/filter-terms.ts';
import { plural } from '../../lib/format.ts';
import { formatSearch } from '../../lib/search-text.ts';
import { jobsChanged } from '../../queries.ts';
import { Field, inputClass } from '../ui/field.tsx';
import { ReasonDialog } from '../ui/reason-dialog.tsx';

const BULK_ACTIONS = ['fail', 'allow_retry', 'expire'] as const satisfies readonly BulkAction[];

interface BulkPlanDialogProps {
  readonly terms: readonly Term[];
  /** The plan is about these keys when there are any, and not about what the terms match. */
  readonly selected: readonly Pick<KeyRow, 'id' | 'state' | 'outcome'>[];
  /** The list shows these rows: they say what the rest is like. */
  readonly shown: readonly Pick<KeyRow, 'state' | 'outcome'>[];
  /** The action was asked for already; null when it was not. */
  readonly asked: BulkAction | null;
  readonly onClose: () => void;
}

/** Makes the plan of a job: nothing is done to any key before its count has been typed on the job's page. */
export function BulkPlanDialog({ terms, selected, shown, asked, onClose }: BulkPlanDialogProps) {
  const [action, setAction] = useState<BulkAction | null>(
    asked ?? likelyAction(selected.length > 0 ? selected : shown),
  );
  const [error, setError] = useState('');
  const first = useRef<HTMLInputElement>(null);
  const [, navigate] = useLocation();
  const client = useQueryClient();
  const needsError = action === 'fail';
  const lacksError = needsError && error.trim() === '';
  const plan = useCommand({
    send: api.bulk.plan.mutate,
    onSuccess: (job) => {
      jobsChanged(client);
      navigate(`/bulk/${encodeURIComponent(job.id)}`, { state: { planned: true } });
    },
  });

  const which =
    selected.length > 0
      ? `The ${plural(selected.length, 'key')} that you selected`
      : `The keys that match ${formatSearch(terms) || 'everything'} now`;

  function submit(reason: string) {
    if (lacksError || action === null) return;
    const message = needsError ? { error: error.trim() } : {};
    const keys = selected.length > 0 ? { ids: selected.map(({ id }) => id) } : { filter: filterOf(terms) };
    plan.mutate({ action, ...keys, reason, ...message });
  }

  return (
    <ReasonDialog
      title="Plan a bulk job"
      description={`${which}. Nothing is done before you have seen the plan.`}
      label="Make the plan"
      example={ACTIONS[action ?? 'fail'].reason}
      command={plan}
      {...(asked === null ? { initialFocus: first } : {})}
      onSubmit={submit}
      onClose={onClose}
    >
      {(tried) => (
        <>
          <ActionChoice
            chosen={action}
            chosenRef={first}
            problem={tried && action === null}
            onChoose={setAction}
          />
          {needsError && (
            <Field
              label="Error message"
              hint="What each client’s retry is told."
              problem={tried && lacksError ? 'Give the message of the error.' : null}
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
        </>
      )}
    </ReasonDialog>
  );
}

interface ActionChoiceProps {
  readonly chosen: BulkAction | null;
  readonly chosenRef: RefObject<HTMLInputElement | null>;
  readonly problem: boolean;
  readonly onChoose: (action: BulkAction) => void;
}

function ActionChoice({ chosen, chosenRef, problem, onChoose }: ActionChoiceProps) {
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1 font-medium">Action</legend>
      {BULK_ACTIONS.map((action) => (
        <label key={action} className="flex items-start gap-2">
          <input
            ref={action === (chosen ?? BULK_ACTIONS[0]) ? chosenRef : undefined}
            type="radio"
            name="action"
            checked={action === chosen}
            onChange={() => onChoose(action)}
            className="mt-0.5 size-4 accent-accent"
          />
          <span>
            <span className="font-medium">{actionName(action)}</span>
            <span className="block text-xs text-muted">{ACTIONS[action].effect}</span>
          </span>
        </label>
      ))}
      {problem && (
        <p role="alert" className="text-xs font-medium text-danger">
          Choose what is to be done to the keys.
        </p>
      )}
    </fieldset>
  );
}

/** Finds the action that keys like these are most likely there for; null where it could be any, or there are none. */
function likelyAction(rows: BulkPlanDialogProps['shown']): BulkAction | null {
  const all = (...states: readonly string[]) =>
    rows.length > 0 &&
    rows.every(({ state, outcome }) =>
      states.includes(state === 'completed' && outcome === 'error' ? 'error' : state),
    );
  if (all('in_doubt', 'lapsed')) return 'fail';
  if (all('error')) return 'allow_retry';
  return all('completed', 'released') ? 'expire' : null;
}
