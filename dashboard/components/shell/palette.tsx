import { Autocomplete } from '@base-ui/react/autocomplete';
import { Dialog } from '@base-ui/react/dialog';
import { CornerDownLeft } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useLocation } from 'wouter';
import { useRefresh } from '../../hooks/use-refresh.ts';
import { isDark, setTheme } from '../../lib/apply-theme.ts';
import { listPath, paramsOf } from '../../lib/list-address.ts';
import { parseSearch } from '../../lib/search-text.ts';
import { live } from '../../lib/settings.ts';

interface PaletteCommand {
  readonly label: string;
  readonly run: () => void;
}

/** Offers commands that go to a page or change what is seen. No command in it changes a record. */
export function Palette({ onClose, onHelp }: { onClose: () => void; onHelp: () => void }) {
  const [text, setText] = useState('');
  const commands = useCommands(text, onHelp);

  function run(command: PaletteCommand) {
    onClose();
    command.run();
  }

  return (
    <Dialog.Root open onOpenChange={(open) => !open && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-black/45" />
        <Dialog.Viewport className="fixed inset-0 z-40 flex items-start justify-center p-2 sm:pt-[12vh]">
          <Dialog.Popup
            aria-label="Commands"
            className="card flex max-h-[70dvh] w-full max-w-lg flex-col overflow-hidden bg-raised shadow-2xl shadow-black/30"
          >
            <Autocomplete.Root
              open
              inline
              mode="none"
              items={commands}
              itemToStringValue={(command: PaletteCommand) => command.label}
              value={text}
              onValueChange={(value, { reason }) => reason !== 'item-press' && setText(value)}
              autoHighlight="always"
              keepHighlight
            >
              <Autocomplete.Input
                aria-label="Command or key"
                placeholder="Go to, find a key, scope:acme …"
                spellCheck={false}
                className="h-12 w-full border-b border-line bg-transparent px-4 text-base outline-none placeholder:text-muted"
              />
              <Dialog.Close className="sr-only">Close</Dialog.Close>
              <Autocomplete.List className="min-h-0 overflow-y-auto p-1.5">
                {(command: PaletteCommand) => (
                  <Autocomplete.Item
                    key={command.label}
                    value={command}
                    onClick={() => run(command)}
                    className="group flex items-center justify-between gap-2 rounded-md px-2.5 py-2 data-highlighted:bg-accent-soft data-highlighted:text-accent"
                  >
                    <span className="min-w-0 wrap-anywhere">{command.label}</span>
                    <CornerDownLeft
                      aria-hidden
                      className="invisible size-3.5 shrink-0 group-data-highlighted:visible"
                    />
                  </Autocomplete.Item>
                )}
              </Autocomplete.List>
            </Autocomplete.Root>
          </Dialog.Popup>
        </Dialog.Viewport>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function useCommands(text: string, onHelp: () => void): PaletteCommand[] {
  const [, navigate] = useLocation();
  const refresh = useRefresh();
  return useMemo(() => {
    const go = (label: string, path: string) => ({ label, run: () => navigate(path) });
    const fixed: PaletteCommand[] = [
      go('Overview', '/'),
      go('Keys: needs attention', '/keys'),
      go('Keys: in doubt', listPath({ state: 'in_doubt' })),
      go('Keys: lapsed lease', listPath({ state: 'lapsed' })),
      go('Keys: completed with an error', listPath({ state: 'completed', error: true })),
      go('Keys: running', listPath({ state: 'running' })),
      go('Keys: all', listPath({})),
      go('Bulk jobs', '/bulk'),
      go('Audit', '/audit'),
      { label: 'Refresh', run: refresh },
      live.get() === 'on'
        ? { label: 'Pause live updates', run: () => live.set('paused') }
        : { label: 'Resume live updates', run: () => live.set('on') },
      { label: 'Use the other theme', run: () => setTheme(isDark() ? 'light' : 'dark') },
      { label: 'Help and shortcuts', run: onHelp },
    ];
    const wanted = text.trim().toLowerCase();
    const matching = fixed.filter(({ label }) => label.toLowerCase().includes(wanted));
    const { terms, problem } = parseSearch(text);
    if (terms.length === 0) return matching;
    if (problem !== null) return [{ label: problem, run: () => {} }, ...matching];
    return [
      ...matching,
      {
        label: `Find ${text.trim()}`,
        run: () => navigate(`/keys?${paramsOf(terms)}`, { state: { focusFirst: true } }),
      },
    ];
  }, [text, onHelp, navigate, refresh]);
}
