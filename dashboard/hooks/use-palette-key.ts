import { useEffect, useRef } from 'react';
import { dialogIsOpen } from './use-hotkeys.ts';

/** Opens the palette at ⌘K, or at Ctrl+K where there is no ⌘: also while text is typed, but not over a dialog. */
export function usePaletteKey(open: () => void): void {
  const latest = useRef(open);
  useEffect(() => {
    latest.current = open;
  });
  useEffect(() => {
    function onKey(event: KeyboardEvent) {
      if (
        event.key.toLowerCase() !== 'k' ||
        !(event.metaKey || event.ctrlKey) ||
        event.shiftKey ||
        event.altKey
      )
        return;
      event.preventDefault();
      if (!dialogIsOpen()) latest.current();
    }
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
}
