import { useQuery } from '@tanstack/react-query';
import { type RefObject, useRef } from 'react';
import type { ActionName, KeyDetail, OfferedAction } from '../../../server/admin/contract/contract.ts';
import type { ActionForm, ActionProblems } from '../../lib/action-form.ts';
import { ACTIONS } from '../../lib/actions.ts';
import { evidenceQuery } from '../../queries.ts';
import { ConfirmField } from '../ui/confirm-field.tsx';
import { ReasonField } from '../ui/reason-field.tsx';
import { DryRunPanel } from './dry-run-panel.tsx';
import { GivenResponse } from './given-response.tsx';
import { RepeatTick } from './repeat-tick.tsx';
import { ResponseField } from './response-field.tsx';

interface ActionFieldsProps {
  readonly offered: OfferedAction;
  readonly detail: KeyDetail;
  readonly form: ActionForm;
  readonly problems: ActionProblems;
  /** The first field that the action asks for. */
  readonly firstRef: RefObject<HTMLTextAreaElement | null>;
  readonly onChange: (form: ActionForm) => void;
  readonly onDryRun: (possible: boolean) => void;
}

/** Asks for what an action needs: always a reason; the rest by the action and the state. */
export function ActionFields({
  offered,
  detail,
  form,
  problems,
  firstRef,
  onChange,
  onDryRun,
}: ActionFieldsProps) {
  const { action, confirm, mayRepeat } = offered;
  const isGiven = action === 'complete' || action === 'fail';
  const reason = useRef<HTMLTextAreaElement>(null);
  const word = useRef<HTMLInputElement>(null);
  const evidence = useReasonByEvidence(offered, detail);
  const set = (change: Partial<ActionForm>) => onChange({ ...form, ...change });
  return (
    <>
      {action === 'rerun' && <DryRunPanel detail={detail} onResult={onDryRun} />}
      {action === 'complete' && (
        <GivenResponse
          detail={detail}
          form={form}
          problem={problems.response}
          fieldRef={firstRef}
          onChange={set}
          onTaken={() => reason.current?.focus()}
        />
      )}
      {action === 'fail' && (
        <ResponseField
          label="Error message"
          hint="Each retry is told this. It is final."
          example="The payment was not made"
          value={form.response}
          problem={problems.response}
          inputRef={firstRef}
          onChange={(text) => set({ response: text })}
        />
      )}
      <ReasonField
        value={form.reason}
        onChange={(text) => set({ reason: text })}
        problem={problems.reason !== undefined}
        example={ACTIONS[action].reason}
        inputRef={isGiven ? reason : firstRef}
        evidence={evidence?.summary ?? null}
        onTaken={(taken) => {
          if (taken === evidence?.summary) onChange({ ...form, reason: taken, evidence: evidence.id });
          (word.current ?? (isGiven ? reason : firstRef).current)?.focus();
        }}
      />
      {confirm !== null && (
        <ConfirmField
          word={confirm}
          value={form.confirm}
          problem={problems.confirm}
          inputRef={word}
          onChange={(typed) => set({ confirm: typed })}
        />
      )}
      {mayRepeat && (
        <RepeatTick
          checked={form.mayRepeat}
          problem={problems.mayRepeat}
          onChange={(ticked) => set({ mayRepeat: ticked })}
        />
      )}
    </>
  );
}

/** These actions go by that the effect did not happen. */
const IF_NOT_HAPPENED: readonly ActionName[] = ['allow_retry', 'rerun', 'fail'];

/** Gives the evidence that is a reason for an action, where the page has asked for it and it says so. */
function useReasonByEvidence({ action }: OfferedAction, detail: KeyDetail) {
  const { data } = useQuery({ ...evidenceQuery(detail), enabled: false });
  return data?.found === 'no' && IF_NOT_HAPPENED.includes(action) ? data : undefined;
}
