import { Search } from 'lucide-react';
import { type FormEvent, type RefObject, useEffect, useId, useState } from 'react';
import { useFind } from '../../hooks/use-find.ts';

/**
 * Finds a key by whatever somebody gives for it, and opens it where it is the only one; or shows the list that
 * `scope:acme op:chargeCard` asks for. What is pasted where no text is typed goes into it.
 */
export function SearchBox({ inputRef }: { inputRef: RefObject<HTMLInputElement | null> }) {
  const [text, setText] = useState('');
  const { find, isFinding, problem, forget } = useFind(() => setText(''));
  const problemId = useId();

  useEffect(() => {
    function onPaste(event: ClipboardEvent) {
      const pasted = event.clipboardData?.getData('text/plain').trim() ?? '';
      if (pasted === '' || isForSomebody(event.target)) return;
      event.preventDefault();
      setText(pasted);
      inputRef.current?.focus();
    }
    addEventListener('paste', onPaste);
    return () => removeEventListener('paste', onPaste);
  }, [inputRef]);

  function search(event: FormEvent) {
    event.preventDefault();
    find(text);
  }

  return (
    <search className="min-w-0 max-w-md flex-1">
      <form onSubmit={search} className="relative">
        <Search aria-hidden className="pointer-events-none absolute top-2 left-2.5 size-4 text-muted" />
        <input
          ref={inputRef}
          type="search"
          aria-label="Find a key"
          aria-busy={isFinding}
          placeholder="Find a key, or scope: op: state: …"
          title="A key, a record id, a line of a log, or a filter such as scope:acme op:chargeCard"
          autoComplete="off"
          autoCorrect="off"
          autoCapitalize="off"
          spellCheck={false}
          value={text}
          aria-invalid={problem !== null || undefined}
          aria-describedby={problem === null ? undefined : problemId}
          onChange={(event) => {
            setText(event.target.value);
            forget();
          }}
          onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
          className="peer h-8 w-full rounded-md border border-line-strong/70 bg-sunken pr-8 pl-8 text-ink text-ellipsis placeholder:text-muted focus:bg-surface max-sm:pr-2 [&::-webkit-search-cancel-button]:hidden"
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

/** Tells whether a paste is for a field, or would be for a dialog that lies over the page. */
function isForSomebody(target: EventTarget | null): boolean {
  const isField =
    target instanceof HTMLElement && target.matches('input:not([type=checkbox]), textarea, select');
  return isField || document.querySelector('[role="dialog"]') !== null;
}
