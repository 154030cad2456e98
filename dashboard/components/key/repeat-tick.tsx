import { useId } from 'react';

interface RepeatTickProps {
  readonly checked: boolean;
  readonly problem: string | undefined;
  readonly onChange: (checked: boolean) => void;
}

/** Asks the operator to tick that the effect may happen twice, before whatever may repeat one. */
export function RepeatTick({ checked, problem, onChange }: RepeatTickProps) {
  const id = useId();
  return (
    <div className="rounded-lg bg-danger-soft px-3 py-2.5">
      <label className="flex items-start gap-2.5 font-medium">
        <input
          type="checkbox"
          checked={checked}
          aria-invalid={problem !== undefined || undefined}
          aria-describedby={problem === undefined ? undefined : id}
          onChange={(event) => onChange(event.target.checked)}
          className="mt-0.5 size-4 accent-danger"
        />
        The effect may happen twice, and that is acceptable
      </label>
      {problem !== undefined && (
        <p id={id} className="mt-1 text-xs font-medium text-danger">
          {problem}
        </p>
      )}
    </div>
  );
}
