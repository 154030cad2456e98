import { useRef, useState } from 'react';
import { useAnnounce } from '../../hooks/use-announce.tsx';
import { useCommand } from '../../hooks/use-command.ts';
import { saveText } from '../../lib/save-text.ts';
import { ReasonDialog } from '../ui/reason-dialog.tsx';

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

interface ExportDialogProps<Filter> {
  readonly title: string;
  readonly description: string;
  readonly filter: Filter;
  readonly send: (command: ExportCommand<Filter>) => Promise<Exported>;
  readonly onClose: () => void;
}

interface ExportCommand<Filter> {
  readonly filter: Filter;
  readonly format: Format;
  readonly reason: string;
  readonly commandKey: string;
}

/** Asks for a format and a reason, and saves the export that comes. */
export function ExportDialog<Filter>({ filter, send, onClose, ...texts }: ExportDialogProps<Filter>) {
  const [format, setFormat] = useState<Format>('ndjson');
  const first = useRef<HTMLInputElement>(null);
  const announce = useAnnounce();
  const run = useCommand({
    send,
    onSuccess: ({ filename, text, amount, missing }) => {
      saveText(filename, text, format === 'csv' ? 'text/csv' : 'application/x-ndjson');
      announce({
        tone: missing === '' ? 'done' : 'problem',
        text: `Exported ${amount}. ${missing}`.trim(),
      });
      onClose();
    },
  });

  return (
    <ReasonDialog
      {...texts}
      label="Export"
      example="INC-4211: the list for the provider’s support"
      command={run}
      initialFocus={first}
      onSubmit={(reason) => run.mutate({ filter, format, reason })}
      onClose={onClose}
    >
      {() => (
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
      )}
    </ReasonDialog>
  );
}
