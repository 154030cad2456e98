import { type KeyboardEvent, useId } from 'react';
import { flushSync } from 'react-dom';
import { Button } from '../ui/button.tsx';

interface RepeatTickProps {
  readonly checked: boolean;
  readonly problem: string | undefined;
  readonly onChange: (checked: boolean) => void;
}

/** Asks the operator to tick that the effect may happen twice, before whatever may repeat one. */
export function RepeatTick({ checked, problem, onChange }: RepeatTickProps) {
  const id = useId();

  /** Who is at the tick and sends the form has read it. Anywhere else the same keys send the form without it. */
  function sendByKeys(event: KeyboardEvent<HTMLInputElement>) {
    if (event.key !== 'Enter' || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    tickAndSend(event.currentTarget.form);
  }

  function tickAndSend(form: HTMLFormElement | null) {
    flushSync(() => onChange(true));
    form?.requestSubmit();
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
          onKeyDown={sendByKeys}
          className="mt-0.5 size-4 accent-danger"
        />
        The effect may happen twice, and that is acceptable
      </label>
      <div className="mt-1.5 pl-6.5">
        <Button
          tone="risk"
          size="small"
          title="⌘Enter or Ctrl+Enter on the tick does so, too"
          onClick={(event) => tickAndSend(event.currentTarget.form)}
        >
          Tick it and send
        </Button>
      </div>
      {problem !== undefined && (
        <p id={id} className="mt-1 text-xs font-medium text-danger">
          {problem}
        </p>
      )}
    </div>
  );
}
