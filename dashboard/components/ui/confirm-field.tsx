import { Field, inputClass } from './field.tsx';

interface ConfirmFieldProps {
  readonly word: string;
  readonly value: string;
  readonly problem: string | undefined;
  readonly onChange: (value: string) => void;
}

/** Asks the operator to type a word, for an action that can not be taken back. */
export function ConfirmField({ word, value, problem, onChange }: ConfirmFieldProps) {
  const label = (
    <>
      Type <code className="rounded bg-sunken px-1 font-mono">{word}</code> to confirm
    </>
  );
  return (
    <Field label={label} problem={problem ?? null}>
      {(control) => (
        <input
          {...control}
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
