import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { useAnnounce } from '../../hooks/use-announce.tsx';
import { copyText } from '../../lib/copy-text.ts';

/** Copies the exact text, also where a part of it is shown as a code point. */
export function CopyButton({ text, what }: { text: string; what: string }) {
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
      className="inline-flex size-6 shrink-0 items-center justify-center rounded text-muted hover:bg-sunken hover:text-ink"
    >
      <Icon aria-hidden className="size-3.5" />
    </button>
  );
}
