import { type RefObject, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { REASON_MIN_LENGTH } from '../../lib/actions.ts';
import { recentReasons } from '../../lib/recent-reasons.ts';
import { Field, inputClass } from './field.tsx';
import { Verbatim } from './verbatim.tsx';

interface ReasonFieldProps {
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** The reason was sent, and was too short. */
  readonly problem?: boolean;
  readonly inputRef?: RefObject<HTMLTextAreaElement | null>;
  /** A reason that fits what is asked for. */
  readonly example: string;
  /** Another service has said this, and it is a reason; null where it said nothing of the kind. */
  readonly evidence?: string | null;
  /** Is called with a reason that was taken by one click. Default: the field has the focus, so that it can be edited. */
  readonly onTaken?: (reason: string) => void;
}

export function hasReason(reason: string): boolean {
  return reason.trim().length >= REASON_MIN_LENGTH;
}

/** Asks for a reason. What the evidence says, and the reasons given last, are one click away: in an incident many keys have the same. */
export function ReasonField({
  value,
  onChange,
  problem = false,
  inputRef,
  example,
  evidence = null,
  onTaken,
}: ReasonFieldProps) {
  const short = problem && !hasReason(value);
  const [recent] = useState(recentReasons);
  const ready = [...new Set([evidence ?? '', ...recent])].filter(hasReason);
  const own = useRef<HTMLTextAreaElement>(null);
  const field = inputRef ?? own;

  function take(reason: string) {
    flushSync(() => onChange(reason));
    if (onTaken) onTaken(reason);
    else field.current?.focus();
  }

  return (
    <div className="grid gap-1.5">
      <Field
        label="Reason"
        hint="Kept in the audit trail with your name."
        problem={short ? `Give a reason of at least ${REASON_MIN_LENGTH} characters.` : null}
      >
        {(control) => (
          <textarea
            {...control}
            ref={field}
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
      {value === '' && ready.length > 0 && (
        <ul aria-label="Ready to take" className="flex flex-wrap gap-1.5">
          {ready.map((reason) => (
            <li key={reason} className="min-w-0">
              <button
                type="button"
                title={reason}
                onClick={() => take(reason)}
                className="block h-7 max-w-full truncate rounded-full border border-line-strong/60 px-2.5 text-xs hover:border-line-strong hover:bg-sunken"
              >
                <Verbatim text={reason} />
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
