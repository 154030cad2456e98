import { Download } from 'lucide-react';
import { type FormEvent, useState } from 'react';
import { Link, useLocation } from 'wouter';
// This is the search as it is in the address: wouter's own decodes it once, which a `%` in a key does not survive.
import { useSearch } from 'wouter/use-browser-location';
import { AUDITED_ACTIONS, AuditList, actionLabel } from '../components/audit/audit-list.tsx';
import { ExportAudit } from '../components/audit/export-audit.tsx';
import { Button, buttonClass } from '../components/ui/button.tsx';
import { Field, inputClass } from '../components/ui/field.tsx';
import { PageTitle } from '../components/ui/page-title.tsx';
import { useReadOnlyReason } from '../hooks/use-me.ts';
import type { AuditFilter } from '../queries.ts';

const FILTERS = ['by', 'action', 'keyId'] as const;

export function AuditPage() {
  const search = useSearch();
  const filter = filterOf(search);
  const [exporting, setExporting] = useState(false);
  const readOnly = useReadOnlyReason();
  return (
    <>
      <PageTitle title="Audit">
        <Button disabled={readOnly !== null} title={readOnly ?? undefined} onClick={() => setExporting(true)}>
          <Download aria-hidden className="size-3.5" /> Export
        </Button>
      </PageTitle>
      <AuditFilters key={search} filter={filter} />
      <AuditList filter={filter} title="What operators did" />
      {exporting && <ExportAudit filter={filter} onClose={() => setExporting(false)} />}
    </>
  );
}

function filterOf(search: string): AuditFilter {
  const params = new URLSearchParams(search);
  return Object.fromEntries(FILTERS.flatMap((name) => (params.get(name) ? [[name, params.get(name)]] : [])));
}

function AuditFilters({ filter }: { filter: AuditFilter }) {
  const [, navigate] = useLocation();
  const [form, setForm] = useState({
    by: filter.by ?? '',
    action: filter.action ?? '',
    keyId: filter.keyId ?? '',
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    const given = FILTERS.flatMap((name) => (form[name].trim() === '' ? [] : [[name, form[name].trim()]]));
    navigate(given.length === 0 ? '/audit' : `/audit?${new URLSearchParams(given)}`);
  }

  return (
    <form onSubmit={submit} aria-label="Filters" className="mb-4 flex flex-wrap items-end gap-3">
      <div className="w-full sm:w-48">
        <Field label="Operator">
          {(control) => (
            <input
              {...control}
              className={inputClass}
              value={form.by}
              onChange={(event) => setForm({ ...form, by: event.target.value })}
            />
          )}
        </Field>
      </div>
      <div className="w-full sm:w-48">
        <Field label="Action">
          {(control) => (
            <select
              {...control}
              className={inputClass}
              value={form.action}
              onChange={(event) => setForm({ ...form, action: event.target.value })}
            >
              <option value="">Any</option>
              {AUDITED_ACTIONS.map((name) => (
                <option key={name} value={name}>
                  {actionLabel(name)}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      <div className="w-full sm:w-64">
        <Field label="Record id">
          {(control) => (
            <input
              {...control}
              spellCheck={false}
              className={`${inputClass} font-mono`}
              value={form.keyId}
              onChange={(event) => setForm({ ...form, keyId: event.target.value })}
            />
          )}
        </Field>
      </div>
      <Button type="submit" tone="primary">
        Apply
      </Button>
      {Object.keys(filter).length > 0 && (
        <Link href="/audit" className={buttonClass()}>
          Clear
        </Link>
      )}
    </form>
  );
}
