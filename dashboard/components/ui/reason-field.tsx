import type { Ref } from 'react';
import { REASON_MIN_LENGTH } from '../../lib/actions.ts';
import { Field, inputClass } from './field.tsx';

interface ReasonFieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** The reason was sent, and was too short. */
  readonly problem?: boolean;
  readonly inputRef?: Ref<HTMLTextAreaElement>;
  /** A reason that fits what is asked for. */
  readonly example: string;
}

export function hasReason(reason: string): boolean {
  return reason.trim().length >= REASON_MIN_LENGTH;
}

export function ReasonField({ value, onChange, problem = false, inputRef, example }: ReasonFieldProps) {
  const short = problem && !hasReason(value);
  return (
    <Field
      label="Reason"
      hint="Kept in the audit trail with your name."
      problem={short ? `Give a reason of at least ${REASON_MIN_LENGTH} characters.` : null}
    >
      {(control) => (
        <textarea
          {...control}
          ref={inputRef}
          required
          rows={2}
          maxLength={1_000}
          className={inputClass}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          placeholder={example}
        />
      )}
    </Field>
  );
}
