import { Button } from './button.tsx';

const SEND_KEYS = /Mac|iP(?:hone|ad)/.test(navigator.userAgent) ? '⌘↵' : 'Ctrl ↵';

interface DialogActionsProps {
  readonly label: string;
  readonly danger?: boolean;
  readonly busy: boolean;
  readonly disabled?: boolean;
  readonly onCancel: () => void;
}

/** Shows the buttons at the foot of a form in a dialog. */
export function DialogActions({
  label,
  danger = false,
  busy,
  disabled = false,
  onCancel,
}: DialogActionsProps) {
  return (
    <footer className="flex flex-wrap justify-end gap-2 border-t border-line px-4 py-3">
      <Button onClick={onCancel}>Cancel</Button>
      <Button type="submit" tone={danger ? 'danger' : 'primary'} disabled={busy || disabled} aria-busy={busy}>
        {busy ? 'Working…' : label}
        {!busy && (
          <kbd
            aria-hidden
            className="rounded border border-current/35 px-1 font-mono text-[0.6875rem] max-sm:hidden"
          >
            {SEND_KEYS}
          </kbd>
        )}
      </Button>
    </footer>
  );
}
