import { Search } from 'lucide-react';
import { type FormEvent, type RefObject, useId, useState } from 'react';
import { useLocation } from 'wouter';
import { paramsOf } from '../../lib/list-address.ts';
import { parseSearch } from '../../lib/search-text.ts';

/**
 * Searches keys by `scope:acme key:abc`, or by the bare text of a key. Enter shows the list that the text asks for.
 */
export function SearchBox({ inputRef }: { inputRef: RefObject<HTMLInputElement | null> }) {
  const [, navigate] = useLocation();
  const [text, setText] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const problemId = useId();

  function search(event: FormEvent) {
    event.preventDefault();
    const found = parseSearch(text);
    setProblem(found.problem);
    if (found.problem !== null || found.terms.length === 0) return;
    setText('');
    navigate(`/keys?${paramsOf(found.terms)}`, { state: { focusFirst: true } });
  }

  return (
    <search className="min-w-0 max-w-md flex-1">
      <form onSubmit={search} className="relative">
        <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-4 text-muted" />
        <input
          ref={inputRef}
          type="search"
          aria-label="Find a key"
          placeholder="Find a key, or scope: op: state: …"
          autoComplete="off"
          autoCorrect="off"
          autoCapitalize="off"
          spellCheck={false}
          value={text}
          aria-invalid={problem !== null || undefined}
          aria-describedby={problem === null ? undefined : problemId}
          onChange={(event) => {
            setText(event.target.value);
            setProblem(null);
          }}
          onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
          className="peer h-8 w-full rounded-md border border-line-strong bg-sunken pr-7 pl-8 text-ink placeholder:text-muted focus:bg-surface [&::-webkit-search-cancel-button]:hidden"
        />
        <kbd
          aria-hidden
          className="pointer-events-none absolute top-1.5 right-2 rounded border border-line px-1.5 font-mono text-xs text-muted peer-focus:hidden max-sm:hidden"
        >
          /
        </kbd>
        {problem && (
          <p
            id={problemId}
            role="alert"
            className="card absolute top-9 right-0 left-0 z-10 bg-raised px-3 py-2 text-danger shadow-lg wrap-anywhere"
          >
            {problem}
          </p>
        )}
      </form>
    </search>
  );
}
