import type { AuditFilter } from '../../../server/admin/contract/contract.ts';
import { api } from '../../api.ts';
import { plural } from '../../lib/format.ts';
import { ExportDialog } from '../keys/export-dialog.tsx';

export function ExportAudit({ filter, onClose }: { filter: AuditFilter; onClose: () => void }) {
  const isFiltered = Object.keys(filter).length > 0;
  return (
    <ExportDialog
      title="Export the audit trail"
      description={`The entries ${isFiltered ? 'that the filter shows' : 'of everybody'}. The export is an entry, too.`}
      filter={filter}
      send={async (command) => {
        const { rows, full, ...file } = await api.audit.export.mutate(command);
        const missing = full ? 'This is the most that one export holds: there are older entries.' : '';
        return { ...file, amount: plural(rows, 'entry', 'entries'), missing };
      }}
      onClose={onClose}
    />
  );
}
