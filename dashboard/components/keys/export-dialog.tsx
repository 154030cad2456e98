import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { messageOf } from '../../api.ts';
import { useAnnounce } from '../../hooks/use-announce.tsx';
import { useCommandKey } from '../../hooks/use-command-key.ts';
import { saveText } from '../../lib/save-text.ts';
import { Dialog } from '../ui/dialog.tsx';
import { DialogActions } from '../ui/dialog-actions.tsx';
import { Notice } from '../ui/notice.tsx';
import { hasReason, ReasonField } from '../ui/reason-field.tsx';

const FORMATS = [
  ['ndjson', 'NDJSON: one JSON object a line'],
  ['csv', 'CSV: for a spreadsheet'],
] as const;

type Format = (typeof FORMATS)[number][0];

interface Exported {
  readonly filename: string;
  readonly text: string;
  /** The amount says in words how much the export holds: `12 keys`. */
  readonly amount: string;
  /** The text says what the export did not look at; empty when the export is whole. */
  readonly missing: string;
}

interface ExportDialogProps {
  readonly title: string;
  readonly description: string;
  readonly send: (command: {
    readonly format: Format;
    readonly reason: string;
    readonly commandKey: string;
  }) => Promise<Exported>;
  readonly onClose: () => void;
}

/** Asks for a format and a reason, and saves the export that comes. */
export function ExportDialog({ title, description, send, onClose }: ExportDialogProps) {
  const [format, setFormat] = useState<Format>('ndjson');
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  const announce = useAnnounce();
  const keyOf = useCommandKey();
  const run = useMutation({
    mutationFn: () => {
      const command = { format, reason: reason.trim() };
      return send({ ...command, commandKey: keyOf([description, command]) });
    },
    onSuccess: ({ filename, text, amount, missing }) => {
      saveText(filename, text, format === 'csv' ? 'text/csv' : 'application/x-ndjson');
      announce({
        tone: missing === '' ? 'done' : 'problem',
        text: `Exported ${amount}. ${missing}`.trim(),
      });
      onClose();
    },
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    setTried(true);
    if (hasReason(reason)) run.mutate();
  }

  return (
    <Dialog title={title} description={description} initialFocus={first} onClose={onClose}>
      <form noValidate onSubmit={submit}>
        <div className="grid gap-4 p-4">
          <fieldset className="grid gap-1.5">
            <legend className="mb-1 font-medium">Format</legend>
            {FORMATS.map(([value, label]) => (
              <label key={value} className="flex items-center gap-2">
                <input
                  ref={value === 'ndjson' ? first : undefined}
                  type="radio"
                  name="format"
                  checked={format === value}
                  onChange={() => setFormat(value)}
                  className="size-4 accent-accent"
                />
                {label}
              </label>
            ))}
          </fieldset>
          <ReasonField value={reason} onChange={setReason} problem={tried} />
          {run.error && <Notice tone="problem" role="alert" title={messageOf(run.error)} />}
        </div>
        <DialogActions label="Export" busy={run.isPending} onCancel={onClose} />
      </form>
    </Dialog>
  );
}
