import type { Ref } from 'react';
import { Field, inputClass } from './field.tsx';

interface ConfirmFieldProps {
  /** The operator has to type this text. */
  readonly word: string;
  /** The word confirms an action, or starts a job. */
  readonly to?: 'confirm' | 'start';
  readonly value: string;
  readonly problem: string | undefined;
  readonly inputRef?: Ref<HTMLInputElement>;
  readonly onChange: (value: string) => void;
}

/** Asks the operator to type a word, for an action that can not be taken back. */
export function ConfirmField({
  word,
  to = 'confirm',
  value,
  problem,
  inputRef,
  onChange,
}: ConfirmFieldProps) {
  const label = (
    <>
      Type <code className="rounded bg-sunken px-1 font-mono">{word}</code> to {to}
    </>
  );
  return (
    <Field label={label} problem={problem ?? null}>
      {(control) => (
        <input
          {...control}
          ref={inputRef}
          autoComplete="off"
          spellCheck={false}
          className={`${inputClass} font-mono`}
          value={value}
          onChange={(event) => onChange(event.target.value)}
        />
      )}
    </Field>
  );
}
