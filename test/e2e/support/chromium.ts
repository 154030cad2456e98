import type { Browser } from 'playwright-core';
import { inject } from 'vitest';
import { launchChromium } from './launch-chromium.ts';

/** A real Chromium, the one that the global set-up found. */
export function openChromium(flags?: readonly string[]): Promise<Browser> {
  return launchChromium(inject('chromium'), flags);
}
