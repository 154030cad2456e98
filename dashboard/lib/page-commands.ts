import { useEffect } from 'react';

/** A command that the palette offers. */
export interface PageCommand {
  readonly label: string;
  /** The key does the same on the page, where there is one. */
  readonly hotkey?: string;
  readonly run: () => void;
}

let commands: readonly PageCommand[] = [];

/** Lists what can be done on the page that is shown. */
export function pageCommands(): readonly PageCommand[] {
  return commands;
}

/** Offers commands in the palette for as long as the page is shown. */
export function usePageCommands(offered: readonly PageCommand[]): void {
  useEffect(() => {
    commands = offered;
    return () => {
      if (commands === offered) commands = [];
    };
  });
}
