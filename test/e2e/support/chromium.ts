import type { Browser } from 'playwright-core';
import { inject } from 'vitest';
import { processWide } from '../../../server/engine/process-wide.ts';
import { launchChromium } from './launch-chromium.ts';

/** A name that is not loopback, at which the browser finds this machine: it trusts pages from there with less. */
export const PLAIN_HOST = 'shop.test';

/**
 * A real Chromium, the one that the global set-up found. The files of a worker share it, and it ends with the worker: each opens
 * contexts of its own, and what a file leaves open is closed after it (`close-contexts.ts`).
 */
export function openChromium(): Promise<Browser> {
  return processWide('test browser', 1, () =>
    launchChromium(inject('chromium'), [`--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`]),
  );
}
