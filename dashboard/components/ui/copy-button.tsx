import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { useAnnounce } from '../../hooks/use-announce.tsx';
import { copyText } from '../../lib/copy-text.ts';

interface CopyButtonProps {
  readonly text: string;
  /** The text is called so, to the operator. */
  readonly what: string;
  /** The word stands on the button. Default: none. */
  readonly label?: string;
}

/** Copies the exact text, also where a part of it is shown as a code point. */
export function CopyButton({ text, what, label }: CopyButtonProps) {
  const announce = useAnnounce();
  const [copied, setCopied] = useState(false);

  async function copy() {
    try {
      await copyText(text);
      setCopied(true);
      announce({ tone: 'done', text: `Copied the ${what}.` });
    } catch {
      announce({ tone: 'problem', text: `The browser did not let the ${what} be copied.` });
    }
  }

  const Icon = copied ? Check : Copy;
  return (
    <button
      type="button"
      aria-label={`Copy the ${what}`}
      title={`Copy the ${what}`}
      onClick={copy}
      onBlur={() => setCopied(false)}
      className="inline-flex h-6 min-w-6 shrink-0 items-center justify-center gap-1 rounded px-1 text-muted hover:bg-sunken hover:text-ink"
    >
      <Icon aria-hidden className={label === undefined ? 'size-3.5' : 'size-3'} />
      {label !== undefined && <span aria-hidden>{label}</span>}
    </button>
  );
}
