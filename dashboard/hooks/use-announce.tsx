import { CheckCircle2, CircleAlert, X } from 'lucide-react';
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react';

export interface Announcement {
  readonly text: string;
  readonly tone: 'done' | 'problem';
}

type Announce = (announcement: Announcement | null) => void;

const AnnounceContext = createContext<Announce>(() => {});

/**
 * Tells the operator, and a screen reader, what came of an action. The message stays until it is closed or the next
 * one comes.
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
        className="pointer-events-none fixed inset-x-0 bottom-0 z-50 flex justify-center p-3 sm:p-5"
      >
        {shown && <Toast {...shown} onClose={close} />}
      </div>
    </AnnounceContext.Provider>
  );
}

function Toast({ text, tone, onClose }: Announcement & { onClose: () => void }) {
  const Icon = tone === 'done' ? CheckCircle2 : CircleAlert;
  const colour = tone === 'done' ? 'text-success' : 'text-danger';
  return (
    <div className="card pointer-events-auto flex max-w-xl items-start gap-3 bg-raised px-4 py-3 shadow-xl shadow-black/15">
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
