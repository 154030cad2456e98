import { Dialog as Base } from '@base-ui/react/dialog';
import { X } from 'lucide-react';
import { type ReactNode, type RefObject, useState } from 'react';

interface DialogProps {
  readonly title: string;
  readonly description?: ReactNode;
  readonly initialFocus?: RefObject<HTMLElement | null>;
  /** Finds the element that gets the focus afterwards; null for the one that had it before. */
  readonly finalFocus?: () => HTMLElement | null;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

export function Dialog({ title, description, initialFocus, finalFocus, onClose, children }: DialogProps) {
  const [opener] = useState(() => document.activeElement as HTMLElement);
  return (
    <Base.Root open onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="fades fixed inset-0 z-40 bg-black/45" />
        <Base.Viewport className="fixed inset-0 z-40 flex items-start justify-center overflow-y-auto p-2 sm:p-8 sm:pt-[8vh]">
          <Base.Popup
            {...(initialFocus ? { initialFocus } : {})}
            finalFocus={() => finalFocus?.() ?? opener}
            className="card appears relative w-full max-w-xl bg-raised shadow-2xl shadow-black/30 outline-none"
          >
            <header className="flex items-start gap-3 border-b border-line px-4 py-3">
              <div className="min-w-0 flex-1">
                <Base.Title className="text-base font-semibold wrap-anywhere">{title}</Base.Title>
                {description && (
                  <Base.Description className="mt-0.5 text-muted wrap-anywhere">
                    {description}
                  </Base.Description>
                )}
              </div>
              <Base.Close
                aria-label="Close"
                className="-m-1 rounded p-1.5 text-muted hover:bg-sunken hover:text-ink"
              >
                <X aria-hidden className="size-4" />
              </Base.Close>
            </header>
            {children}
          </Base.Popup>
        </Base.Viewport>
      </Base.Portal>
    </Base.Root>
  );
}
