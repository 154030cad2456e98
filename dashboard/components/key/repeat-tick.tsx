import { type KeyboardEvent, useId } from 'react';
import { flushSync } from 'react-dom';

interface RepeatTickProps {
  readonly checked: boolean;
  readonly problem: string | undefined;
  readonly onChange: (checked: boolean) => void;
}

/** Asks the operator to tick that the effect may happen twice, before whatever may repeat one. */
export function RepeatTick({ checked, problem, onChange }: RepeatTickProps) {
  const id = useId();

  /** Who is at the tick and sends the form has read it. Anywhere else the same keys send the form without it. */
  function tickAndSend(event: KeyboardEvent<HTMLInputElement>) {
    if (event.key !== 'Enter' || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    flushSync(() => onChange(true));
    event.currentTarget.form?.requestSubmit();
  }

  return (
    <div className="rounded-lg bg-danger-soft px-3 py-2.5">
      <label className="flex items-start gap-2.5 font-medium">
        <input
          type="checkbox"
          checked={checked}
          aria-invalid={problem !== undefined || undefined}
          aria-describedby={problem === undefined ? undefined : id}
          onChange={(event) => onChange(event.target.checked)}
          onKeyDown={tickAndSend}
          className="mt-0.5 size-4 accent-danger"
        />
        The effect may happen twice, and that is acceptable
      </label>
      <p className="mt-0.5 pl-6.5 text-xs text-muted max-sm:hidden">
        With the focus on it, ⌘Enter or Ctrl+Enter ticks it and sends.
      </p>
      {problem !== undefined && (
        <p id={id} className="mt-1 text-xs font-medium text-danger">
          {problem}
        </p>
      )}
    </div>
  );
}
