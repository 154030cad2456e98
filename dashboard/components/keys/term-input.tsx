import { type FormEvent, useId, useState } from 'react';
import { useSuggestions } from '../../hooks/use-suggestions.ts';
import { TERM_NAMES, type Term } from '../../lib/filter-terms.ts';
import { formatSearch, parseSearch } from '../../lib/search-text.ts';

interface TermInputProps {
  readonly label: string;
  /** The input begins with this term; null to begin with nothing. */
  readonly term: Term | null;
  readonly onTerms: (terms: readonly Term[]) => void;
  readonly onClose: () => void;
}

/** Takes a term of the filter as it is typed, `scope:acme`, and offers scopes and operations that were seen lately. */
export function TermInput({ label, term, onTerms, onClose }: TermInputProps) {
  const [text, setText] = useState(term === null ? '' : formatSearch([term]));
  const [problem, setProblem] = useState<string | null>(null);
  const { scope, op } = useSuggestions();
  const id = useId();

  function submit(event: FormEvent) {
    event.preventDefault();
    const found = parseSearch(text);
    if (found.problem !== null) setProblem(found.problem);
    else onTerms(found.terms);
  }

  const offers = [
    ...scope.map((value) => formatSearch([{ name: 'scope', value }])),
    ...op.map((value) => formatSearch([{ name: 'op', value }])),
    ...TERM_NAMES.filter((name) => name !== 'scope' && name !== 'op').map((name) => `${name}:`),
  ];
  return (
    <form onSubmit={submit} className="relative">
      <input
        // biome-ignore lint/a11y/noAutofocus: it stands where the button was that had the focus
        autoFocus
        aria-label={label}
        list={`${id}-offers`}
        autoComplete="off"
        spellCheck={false}
        placeholder="scope:acme, op:chargeCard, age:>5m"
        value={text}
        aria-invalid={problem !== null || undefined}
        aria-describedby={problem === null ? undefined : `${id}-problem`}
        onChange={(event) => {
          setText(event.target.value);
          setProblem(null);
        }}
        onKeyDown={(event) => event.key === 'Escape' && onClose()}
        onBlur={() => problem === null && onClose()}
        className="h-7 w-64 max-w-full rounded-full border border-line-strong bg-surface px-3 font-mono text-xs placeholder:text-muted"
      />
      <datalist id={`${id}-offers`}>
        {offers.map((offer) => (
          <option key={offer} value={offer} />
        ))}
      </datalist>
      {problem !== null && (
        <p
          id={`${id}-problem`}
          role="alert"
          className="card absolute top-8 left-0 z-20 w-72 bg-raised px-3 py-2 text-danger shadow-lg wrap-anywhere"
        >
          {problem}
        </p>
      )}
    </form>
  );
}
