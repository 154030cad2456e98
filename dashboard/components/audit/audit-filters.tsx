import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { type AuditTerms, auditParams, SPANS } from '../../lib/audit-terms.ts';
import { Button, buttonClass } from '../ui/button.tsx';
import { Field, inputClass } from '../ui/field.tsx';
import { AUDITED_ACTIONS, actionLabel } from './audit-list.tsx';

/** The page looks for what was typed after so many ms without another letter. */
const TYPING_MS = 250;
const FIELD = 'w-full sm:w-44';

/** Takes the filter of the audit. The words are looked for while they are typed, and have the focus at first. */
export function AuditFilters({ terms }: { terms: AuditTerms }) {
  const [, navigate] = useLocation();
  const [form, setForm] = useState(terms);
  const words = useRef<HTMLInputElement>(null);
  const set = (change: AuditTerms) => setForm({ ...form, ...change });
  const show = (next: AuditTerms) => navigate(`/audit${auditParams(next)}`, { replace: true });

  useEffect(() => {
    // After the page's main part, which gets the focus of every new page.
    const frame = requestAnimationFrame(() => words.current?.focus());
    return () => cancelAnimationFrame(frame);
  }, []);
  const typed = form.words ?? '';
  useEffect(() => {
    if (typed === (terms.words ?? '')) return;
    const timer = setTimeout(() => show({ ...terms, words: typed }), TYPING_MS);
    return () => clearTimeout(timer);
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    show(form);
  }

  const input = (name: 'by' | 'key' | 'keyId', label: string, mono = false) => (
    <div className={FIELD}>
      <Field label={label}>
        {(control) => (
          <input
            {...control}
            spellCheck={false}
            className={`${inputClass} h-9 ${mono ? 'font-mono' : ''}`}
            value={form[name] ?? ''}
            onChange={(event) => set({ [name]: event.target.value })}
          />
        )}
      </Field>
    </div>
  );

  return (
    <form onSubmit={submit} aria-label="Filters" className="mb-4 flex flex-wrap items-end gap-3">
      <div className="w-full lg:w-auto lg:min-w-56 lg:flex-1">
        <Field label="Words">
          {(control) => (
            <input
              {...control}
              ref={words}
              type="search"
              placeholder="of the reason, a name, a key or a scope"
              className={`${inputClass} h-9`}
              value={typed}
              onChange={(event) => set({ words: event.target.value })}
            />
          )}
        </Field>
      </div>
      {input('by', 'Operator')}
      <div className={FIELD}>
        <Field label="Action">
          {(control) => (
            <select
              {...control}
              className={`${inputClass} h-9`}
              value={form.action ?? ''}
              onChange={(event) => set({ action: event.target.value })}
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
      <div className={FIELD}>
        <Field label="Time">
          {(control) => (
            <select
              {...control}
              className={`${inputClass} h-9`}
              value={form.last ?? ''}
              onChange={(event) => set({ last: event.target.value })}
            >
              <option value="">Any</option>
              {SPANS.map(({ name, label }) => (
                <option key={name} value={name}>
                  {label}
                </option>
              ))}
            </select>
          )}
        </Field>
      </div>
      {input('key', 'Key', true)}
      {input('keyId', 'Record id', true)}
      <Button type="submit" tone="primary" className="h-9">
        Apply
      </Button>
      {Object.keys(terms).length > 0 && (
        <Link href="/audit" className={`${buttonClass()} h-9`}>
          Clear
        </Link>
      )}
    </form>
  );
}
