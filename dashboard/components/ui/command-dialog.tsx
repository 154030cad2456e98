import type { FormEvent, KeyboardEvent, ReactNode, RefObject } from 'react';
import { messageOf } from '../../api.ts';
import { Dialog } from './dialog.tsx';
import { DialogActions } from './dialog-actions.tsx';
import { Notice } from './notice.tsx';

/** A command is on its way, or has failed, as `useCommand` says it. */
export interface CommandState {
  readonly isPending: boolean;
  readonly error: Error | null;
}

interface CommandDialogProps {
  readonly title: string;
  readonly description: string;
  /** The button that sends the command has this label. */
  readonly label: string;
  readonly danger?: boolean;
  /** Tells whether the command can not be sent now. */
  readonly disabled?: boolean;
  readonly command: CommandState;
  readonly initialFocus: RefObject<HTMLElement | null>;
  /** Finds the element that gets the focus afterwards; null for the one that had it before. */
  readonly finalFocus?: () => HTMLElement | null;
  readonly onSubmit: () => void;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** Shows a form in a dialog, whose button sends a command, and what went wrong when the command failed. */
export function CommandDialog({
  label,
  danger = false,
  disabled = false,
  command: { isPending, error },
  onSubmit,
  children,
  ...dialog
}: CommandDialogProps) {
  function submit(event: FormEvent) {
    event.preventDefault();
    onSubmit();
  }

  return (
    <Dialog {...dialog}>
      <form noValidate onSubmit={submit} onKeyDown={submitByKeys}>
        <div className="grid gap-4 p-4">
          {children}
          {error && <Notice tone="problem" role="alert" title={messageOf(error)} />}
        </div>
        <DialogActions
          label={label}
          danger={danger}
          busy={isPending}
          disabled={disabled}
          onCancel={dialog.onClose}
        />
      </form>
    </Dialog>
  );
}

/** ⌘Enter, or Ctrl+Enter, sends the form from any of its fields: in a text of several lines Enter alone breaks the line. */
function submitByKeys(event: KeyboardEvent<HTMLFormElement>) {
  if (event.key !== 'Enter' || !(event.metaKey || event.ctrlKey) || event.defaultPrevented) return;
  event.preventDefault();
  event.currentTarget.requestSubmit();
}
