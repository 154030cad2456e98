import type { Ref } from 'react';
import type { KeyDetail, OfferedAction } from '../../../server/admin/contract/contract.ts';
import type { ActionForm, ActionProblems } from '../../lib/action-form.ts';
import { ConfirmField } from '../ui/confirm-field.tsx';
import { Field, inputClass } from '../ui/field.tsx';
import { ReasonField } from '../ui/reason-field.tsx';
import { DryRunPanel } from './dry-run-panel.tsx';
import { RepeatTick } from './repeat-tick.tsx';

interface ActionFieldsProps {
  readonly offered: OfferedAction;
  readonly detail: KeyDetail;
  readonly form: ActionForm;
  readonly problems: ActionProblems;
  readonly reasonRef: Ref<HTMLTextAreaElement>;
  readonly onChange: (form: ActionForm) => void;
  readonly onDryRun: (possible: boolean) => void;
}

/** Asks for what an action needs: always a reason; the rest by the action and the state. */
export function ActionFields({
  offered,
  detail,
  form,
  problems,
  reasonRef,
  onChange,
  onDryRun,
}: ActionFieldsProps) {
  const { action, confirm, mayRepeat } = offered;
  const set = (change: Partial<ActionForm>) => onChange({ ...form, ...change });
  return (
    <>
      {action === 'rerun' && <DryRunPanel detail={detail} onResult={onDryRun} />}
      {action === 'complete' && (
        <ResponseField
          label="Response data"
          hint={`As JSON. GraphQL: the data of the result, such as {"${detail.operation}": …}. tRPC: what the procedure returns.`}
          example='{ "id": "ch_1042", "amount": 1999 }'
          value={form.response}
          problem={problems.response}
          onChange={(response) => set({ response })}
        />
      )}
      {action === 'fail' && (
        <ResponseField
          label="Error message"
          hint="Each retry is told this. It is final."
          example="The payment was not made"
          value={form.response}
          problem={problems.response}
          onChange={(response) => set({ response })}
        />
      )}
      <ReasonField
        value={form.reason}
        onChange={(reason) => set({ reason })}
        problem={problems.reason !== undefined}
        inputRef={reasonRef}
      />
      {confirm !== null && (
        <ConfirmField
          word={confirm}
          value={form.confirm}
          problem={problems.confirm}
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

interface ResponseFieldProps {
  readonly label: string;
  readonly hint: string;
  readonly example: string;
  readonly value: string;
  readonly problem: string | undefined;
  readonly onChange: (value: string) => void;
}

function ResponseField({ label, hint, example, value, problem, onChange }: ResponseFieldProps) {
  return (
    <Field label={label} hint={hint} problem={problem ?? null}>
      {(control) => (
        <textarea
          {...control}
          rows={3}
          spellCheck={false}
          className={`${inputClass} font-mono text-xs`}
          placeholder={example}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
