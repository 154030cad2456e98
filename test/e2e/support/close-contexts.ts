import { afterAll } from 'vitest';
import { openChromium } from './chromium.ts';

afterAll(async () => {
  const browser = await openChromium();
  await Promise.all(browser.contexts().map((context) => context.close()));
});
