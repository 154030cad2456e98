import { api } from '../../api.ts';
import { filterOf, type Term } from '../../lib/filter-terms.ts';
import { plural } from '../../lib/format.ts';
import { leftOutText } from '../../lib/left-out.ts';
import { formatSearch } from '../../lib/search-text.ts';
import { ExportDialog } from './export-dialog.tsx';

export function ExportKeys({ terms, onClose }: { terms: readonly Term[]; onClose: () => void }) {
  return (
    <ExportDialog
      title="Export the list"
      description={`Keys of ${formatSearch(terms) || 'all'}. Without bodies; the export is audited.`}
      filter={filterOf(terms)}
      send={async (command) => {
        const { rows, left, ...file } = await api.keys.export.mutate(command);
        return { ...file, amount: plural(rows, 'key'), missing: leftOutText(left, 'export') };
      }}
      onClose={onClose}
    />
  );
}
