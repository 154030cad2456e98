import type { Ref } from 'react';
import { Field, inputClass } from '../ui/field.tsx';

interface ResponseFieldProps {
  readonly label: string;
  readonly hint: string;
  readonly example: string;
  readonly value: string;
  readonly problem: string | undefined;
  readonly inputRef?: Ref<HTMLTextAreaElement>;
  /** Fills the field, at the down arrow while it is empty; as one takes what a list offers. */
  readonly onFill?: () => void;
  readonly onChange: (value: string) => void;
}

/** Takes what retries get: data as JSON, or the message of an error. */
export function ResponseField({
  label,
  hint,
  example,
  value,
  problem,
  inputRef,
  onFill,
  onChange,
}: ResponseFieldProps) {
  return (
    <Field label={label} hint={hint} problem={problem ?? null}>
      {(control) => (
        <textarea
          {...control}
          ref={inputRef}
          rows={Math.min(12, Math.max(3, value.split('\n').length))}
          spellCheck={false}
          className={`${inputClass} font-mono text-xs`}
          placeholder={example}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== 'ArrowDown' || value !== '' || !onFill) return;
            event.preventDefault();
            onFill();
          }}
        />
      )}
    </Field>
  );
}
