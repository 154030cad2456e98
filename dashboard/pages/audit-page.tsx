import { Download } from 'lucide-react';
import { useState } from 'react';
// This is the search as it is in the address: wouter's own decodes it once, which a `%` in a key does not survive.
import { useSearch } from 'wouter/use-browser-location';
import { AuditFilters } from '../components/audit/audit-filters.tsx';
import { AuditList } from '../components/audit/audit-list.tsx';
import { ExportAudit } from '../components/audit/export-audit.tsx';
import { Button } from '../components/ui/button.tsx';
import { PageTitle } from '../components/ui/page-title.tsx';
import { useReadOnlyReason } from '../hooks/use-me.ts';
import { auditFilterOf, auditTerms } from '../lib/audit-terms.ts';
import { clock } from '../queries.ts';

export function AuditPage() {
  const terms = auditTerms(useSearch());
  const filter = auditFilterOf(terms, clock.now());
  const [exporting, setExporting] = useState(false);
  const readOnly = useReadOnlyReason();
  // A job is one entry here: its keys are looked at by the job, or by the key.
  const isFolded = terms.jobId === undefined && terms.keyId === undefined && terms.key === undefined;
  const { words: _, ...others } = terms;
  return (
    <>
      <PageTitle title="Audit">
        <Button disabled={readOnly !== null} title={readOnly ?? undefined} onClick={() => setExporting(true)}>
          <Download aria-hidden className="size-3.5" /> Export
        </Button>
      </PageTitle>
      <AuditFilters key={JSON.stringify(others)} terms={terms} />
      <AuditList filter={isFolded ? { ...filter, folded: true } : filter} title="What operators did" />
      {exporting && <ExportAudit filter={filter} onClose={() => setExporting(false)} />}
    </>
  );
}
