import { CheckCircle2, CircleAlert, X } from 'lucide-react';
import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from 'react';

export interface Announcement {
  readonly text: string;
  readonly tone: 'done' | 'problem';
}

type Announce = (announcement: Announcement | null) => void;

const AnnounceContext = createContext<Announce>(() => {});

/** A message about what was done leaves after this time: what it says is on the page, and in the audit trail. */
const SHOWN_MS = 8_000;

/**
 * Tells the operator, and a screen reader, what came of an action. What was done is told for a while, and as long as
 * the pointer or the focus is on it; a problem until it is closed. The next message takes the place of the last.
 */
export function useAnnounce(): Announce {
  return useContext(AnnounceContext);
}

export function AnnounceProvider({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState<Announcement | null>(null);
  const close = useCallback(() => setShown(null), []);
  return (
    <AnnounceContext.Provider value={setShown}>
      {children}
      {/* Always there: a live region that comes along with its text is not read out. */}
      <div
        role="status"
        aria-live="polite"
        className="pointer-events-none fixed right-0 bottom-0 z-50 flex max-w-full justify-end p-3 sm:p-5"
      >
        {shown && <Toast key={shown.text} {...shown} onClose={close} />}
      </div>
    </AnnounceContext.Provider>
  );
}

function Toast({ text, tone, onClose }: Announcement & { onClose: () => void }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (tone === 'problem' || held) return;
    const timer = setTimeout(onClose, SHOWN_MS);
    return () => clearTimeout(timer);
  }, [tone, held, onClose]);
  const Icon = tone === 'done' ? CheckCircle2 : CircleAlert;
  const colour = tone === 'done' ? 'text-success' : 'text-danger';
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only stays while somebody reads it
    <div
      onMouseEnter={() => setHeld(true)}
      onMouseLeave={() => setHeld(false)}
      onFocus={() => setHeld(true)}
      onBlur={() => setHeld(false)}
      className="card appears pointer-events-auto flex max-w-xl items-start gap-3 bg-raised px-4 py-3 shadow-xl shadow-black/15"
    >
      <Icon aria-hidden className={`mt-0.5 size-4 shrink-0 ${colour}`} />
      <p className="min-w-0 wrap-anywhere">{text}</p>
      <button
        type="button"
        aria-label="Close the message"
        onClick={onClose}
        className="-m-1 rounded p-1.5 text-muted hover:text-ink"
      >
        <X aria-hidden className="size-4" />
      </button>
    </div>
  );
}
