import type { Browser } from 'playwright-core';
import { inject } from 'vitest';
import { processWide } from '../../../server/engine/process-wide.ts';
import { launchChromium } from './launch-chromium.ts';

/** This name leads the browser to this machine, and is not loopback: the browser trusts pages from there with less. */
export const PLAIN_HOST = 'shop.test';

/**
 * Opens a real Chromium, the one that the global set-up found. The files of a worker share it, and it ends with the worker. Each
 * file opens contexts of its own, and those that it leaves open are closed after it (`close-contexts.ts`).
 */
export function openChromium(): Promise<Browser> {
  return processWide('test browser', 1, () =>
    launchChromium(inject('chromium'), [`--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`]),
  );
}
