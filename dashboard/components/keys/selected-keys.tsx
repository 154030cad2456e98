import type { KeyRow } from '../../../server/admin/contract/contract.ts';
import type { Selection } from '../../hooks/use-selection.ts';
import { plural } from '../../lib/format.ts';
import { CopyButton } from '../ui/copy-button.tsx';

interface SelectedKeysProps {
  readonly rows: readonly KeyRow[];
  readonly selection: Selection;
}

/** Says how many keys are selected, copies them, and clears the selection. */
export function SelectedKeys({ rows, selection }: SelectedKeysProps) {
  const keys = rows.filter(({ id }) => selection.ids.has(id)).map(({ key }) => key);
  return (
    <span className="flex items-center gap-2 text-muted">
      {plural(selection.ids.size, 'key')} selected
      <CopyButton text={keys.join('\n')} what="selected keys" />
      <button type="button" className="link" onClick={selection.clear}>
        Clear
      </button>
    </span>
  );
}
