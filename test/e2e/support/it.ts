import { it as plain } from 'vitest';
import { openChromium } from './chromium.ts';
import { type OfficeOptions, openOffice } from './office.ts';
import { type Visit, type VisitOptions, visit } from './visit.ts';

/** Gives the tests of a file the worker's browser and one office. `it.override('officeOptions', …)` makes it another office. */
export const it = plain
  .extend('officeOptions', { scope: 'file' }, {} as OfficeOptions)
  .extend('opened', { scope: 'file' }, async ({ officeOptions }, { onCleanup }) => {
    const [browser, office] = await Promise.all([openChromium(), openOffice(officeOptions)]);
    onCleanup(() => office[Symbol.asyncDispose]());
    return { browser, office };
  })
  .extend('office', { scope: 'file' }, ({ opened }) => opened.office)
  .extend('visit', ({ opened }) => {
    const { browser, office } = opened;
    return (path: string, options?: VisitOptions): Promise<Visit> => visit(browser, office, path, options);
  })
  .extend('visitKey', ({ office, visit }) => {
    return async (key: string, options?: VisitOptions) => visit(`/keys/${await office.idOf(key)}/-`, options);
  });
