import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { api, messageOf } from '../api.ts';
import { useAnnounce } from '../hooks/use-announce.tsx';
import { useCommandKey } from '../hooks/use-command-key.ts';
import { filterOf, formatSearch, type Term } from '../lib/filter.ts';
import { plural } from '../lib/format.ts';
import { saveText } from '../lib/save-text.ts';
import { Dialog } from './dialog.tsx';
import { DialogActions } from './dialog-actions.tsx';
import { Notice } from './notice.tsx';
import { hasReason, ReasonField } from './reason-field.tsx';

const FORMATS = [
  ['ndjson', 'NDJSON: one JSON object a line'],
  ['csv', 'CSV: for a spreadsheet'],
] as const;

export function ExportDialog({ terms, onClose }: { terms: readonly Term[]; onClose: () => void }) {
  const [format, setFormat] = useState<'ndjson' | 'csv'>('ndjson');
  const [reason, setReason] = useState('');
  const [tried, setTried] = useState(false);
  const first = useRef<HTMLInputElement>(null);
  const announce = useAnnounce();
  const keyOf = useCommandKey();
  const run = useMutation({
    mutationFn: () => {
      const command = { filter: filterOf(terms), format, reason: reason.trim() };
      return api.keys.export.mutate({ ...command, commandKey: keyOf(command) });
    },
    onSuccess: ({ filename, text, rows, capped }) => {
      saveText(filename, text, format === 'csv' ? 'text/csv' : 'application/x-ndjson');
      announce({
        tone: 'done',
        text: `Exported ${plural(rows, 'key')}${capped ? ': the most that one export holds' : ''}.`,
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
    <Dialog
      title="Export the list"
      description={`Keys of ${formatSearch(terms) || 'all'}. Without bodies; the export is audited.`}
      initialFocus={first}
      onClose={onClose}
    >
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
