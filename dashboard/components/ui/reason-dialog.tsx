import { type ReactNode, type RefObject, useRef, useState } from 'react';
import { rememberReason } from '../../lib/recent-reasons.ts';
import { CommandDialog, type CommandState } from './command-dialog.tsx';
import { hasReason, ReasonField } from './reason-field.tsx';

interface ReasonDialogProps {
  readonly title: string;
  readonly description: string;
  /** The button that sends the command has this label. */
  readonly label: string;
  readonly danger?: boolean;
  /** A reason that fits, as an example. */
  readonly example: string;
  readonly command: CommandState;
  /** This element has the focus at first. Default: the reason. */
  readonly initialFocus?: RefObject<HTMLElement | null>;
  /** Is called with the reason, once there is one. */
  readonly onSubmit: (reason: string) => void;
  readonly onClose: () => void;
  /** Shows the fields before the reason; `tried` tells whether the operator has tried to send the form. */
  readonly children?: (tried: boolean) => ReactNode;
}

/** Asks for the reason of a command, which the audit trail keeps, and for whatever else the command needs. */
export function ReasonDialog({ example, initialFocus, onSubmit, children, ...dialog }: ReasonDialogProps) {
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState(false);
  const reasonRef = useRef<HTMLTextAreaElement>(null);

  function submit() {
    setTried(true);
    if (!hasReason(reason)) return;
    rememberReason(reason.trim());
    onSubmit(reason.trim());
  }

  return (
    <CommandDialog {...dialog} initialFocus={initialFocus ?? reasonRef} onSubmit={submit}>
      {children?.(tried)}
      <ReasonField
        value={reason}
        onChange={setReason}
        problem={tried}
        inputRef={reasonRef}
        example={example}
      />
    </CommandDialog>
  );
}
