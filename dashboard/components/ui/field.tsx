import { type ReactNode, useId } from 'react';

export interface ControlProps {
  readonly id: string;
  readonly 'aria-describedby'?: string;
  readonly 'aria-invalid'?: true;
}

interface FieldProps {
  readonly label: ReactNode;
  readonly hint?: ReactNode;
  /** The problem says what is wrong with what was entered. */
  readonly problem?: string | null;
  readonly children: (control: ControlProps) => ReactNode;
}

export const inputClass =
  'w-full rounded-md border border-line-strong bg-surface px-2.5 py-1.5 text-ink placeholder:text-muted aria-invalid:border-danger';

/** Ties a label, its control, and what is said of it together for screen readers. */
export function Field({ label, hint, problem, children }: FieldProps) {
  const id = useId();
  const notes = [hint && `${id}-hint`, problem && `${id}-problem`].filter(Boolean).join(' ');
  return (
    <div className="grid gap-1">
      <label htmlFor={id} className="font-medium">
        {label}
      </label>
      {children({
        id,
        ...(notes ? { 'aria-describedby': notes } : {}),
        ...(problem ? { 'aria-invalid': true } : {}),
      })}
      {hint && (
        <div id={`${id}-hint`} className="text-xs text-muted">
          {hint}
        </div>
      )}
      {problem && (
        <p id={`${id}-problem`} className="text-xs font-medium text-danger wrap-anywhere">
          {problem}
        </p>
      )}
    </div>
  );
}
