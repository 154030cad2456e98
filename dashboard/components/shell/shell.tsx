import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { useAnnounce } from '../../hooks/use-announce.tsx';
import { useAttentionInTab } from '../../hooks/use-attention.ts';
import { useCodeAhead } from '../../hooks/use-code-ahead.ts';
import { useFind } from '../../hooks/use-find.ts';
import { useHotkeys } from '../../hooks/use-hotkeys.ts';
import { usePaletteKey } from '../../hooks/use-palette-key.ts';
import { useRefresh } from '../../hooks/use-refresh.ts';
import { Lazy } from '../ui/lazy.tsx';
import { Header, PAGES } from './header.tsx';

const palette = { name: 'palette', load: () => import('./palette.tsx') };
const help = { name: 'help', load: () => import('./help-dialog.tsx') };

/** Frames every page: it holds what is the same everywhere, and the shortcuts that work everywhere. */
export function Shell({ children }: { children: ReactNode }) {
  const search = useRef<HTMLInputElement>(null);
  const [overlay, setOverlay] = useState<'palette' | 'help' | null>(null);
  const refresh = useRefresh();
  const [, navigate] = useLocation();
  const close = () => setOverlay(null);
  const announce = useAnnounce();
  const { find, problem } = useFind(() => {});
  useEffect(() => {
    if (problem !== null) announce({ tone: 'problem', text: problem });
  }, [problem, announce]);

  useHotkeys({
    ...Object.fromEntries(PAGES.map(([path], index) => [String(index + 1), () => navigate(path)])),
    '/': () => search.current?.select(),
    '?': () => setOverlay('help'),
    r: refresh,
  });
  usePaletteKey(() => setOverlay('palette'));
  useMainOnNavigation();
  useAttentionInTab();
  // The palette and the help are loaded ahead: the palette has to be there for what is typed right after the shortcut.
  useCodeAhead(palette, help);

  return (
    <>
      <button
        type="button"
        onClick={() => document.getElementById('main')?.focus()}
        className="sr-only focus:not-sr-only focus:fixed focus:top-2 focus:left-2 focus:z-50 focus:rounded focus:bg-raised focus:px-3 focus:py-2"
      >
        Skip to the content
      </button>
      <Header search={search} onHelp={() => setOverlay('help')} onPalette={() => setOverlay('palette')} />
      <main id="main" tabIndex={-1} className="mx-auto max-w-[100rem] px-3 py-4 outline-none sm:px-5 sm:py-5">
        {children}
      </main>
      {overlay === 'palette' && (
        <Lazy what="the commands" {...palette}>
          {({ Palette }) => <Palette onClose={close} onHelp={() => setOverlay('help')} onFind={find} />}
        </Lazy>
      )}
      {overlay === 'help' && (
        <Lazy what="the help" {...help}>
          {({ HelpDialog }) => <HelpDialog onClose={close} />}
        </Lazy>
      )}
    </>
  );
}

/**
 * Begins another path at its top, with the focus on its main part: it is a page of its own for screen readers and
 * keyboards, too.
 */
function useMainOnNavigation() {
  const [path] = useLocation();
  const last = useRef(path);
  useEffect(() => {
    if (last.current === path) return;
    last.current = path;
    scrollTo(0, 0);
    document.getElementById('main')?.focus({ preventScroll: true });
  }, [path]);
}
