import { ListChecks } from 'lucide-react';
import type { Selection } from '../../hooks/use-selection.ts';
import { plural } from '../../lib/format.ts';
import { Button } from '../ui/button.tsx';
import { CopyButton } from '../ui/copy-button.tsx';

interface SelectedKeysProps {
  readonly selection: Selection;
  /** The text says why nothing can be planned; null when it can. */
  readonly readOnly: string | null;
  readonly onPlan: () => void;
}

/** Says how many keys are selected, and what can be done with them. It stays in sight below a long list. */
export function SelectedKeys({ selection, readOnly, onPlan }: SelectedKeysProps) {
  return (
    <div className="card appears pointer-events-auto flex flex-wrap items-center gap-3 bg-raised px-3 py-2 shadow-xl shadow-black/15">
      <span className="font-medium">{plural(selection.ids.size, 'key')} selected</span>
      <CopyButton text={selection.rows.map(({ key }) => key).join('\n')} what="selected keys" label="Copy" />
      <Button
        size="small"
        tone="primary"
        disabled={readOnly !== null}
        title={readOnly ?? undefined}
        onClick={onPlan}
      >
        <ListChecks aria-hidden className="size-3.5" /> Plan a job for them
      </Button>
      <button type="button" className="link" onClick={selection.clear}>
        Clear
      </button>
    </div>
  );
}
