import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openChromium, PLAIN_HOST } from './support/chromium.ts';
import { type Office, openOffice } from './support/office.ts';
import { enter, openAction, REASON, submit, waitForState } from './support/operate.ts';
import { type Visit, type VisitOptions, visit } from './support/visit.ts';

let browser: Browser;
let office: Office;
beforeAll(async () => {
  [browser, office] = await Promise.all([openChromium(), openOffice()]);
  return async () => {
    await office[Symbol.asyncDispose]();
  };
});

function visitPlain(path: string, options?: VisitOptions) {
  const at: Office['at'] = (to) => office.at(to).replace('127.0.0.1', PLAIN_HOST);
  return visit(browser, { ...office, at }, path, options);
}

/** Chromium remarks there that this one of our headers has no effect. */
const faults = ({ problems }: Visit) =>
  problems.filter((problem) => !problem.includes('Cross-Origin-Opener-Policy header has been ignored'));

async function visitKey(key: string, options?: VisitOptions) {
  await office.send({ key, fate: 'declined' });
  return visitPlain(`/keys/${await office.idOf(key)}/-`, options);
}

describe('over plain HTTP', () => {
  it('the page is one that the browser trusts with nothing', async () => {
    await using home = await visitPlain('/');
    const { page } = home;
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(
      await page.evaluate(() => [isSecureContext, typeof crypto.randomUUID, typeof navigator.clipboard]),
    ).toEqual([false, 'undefined', 'undefined']);
  });

  it('an action is done', async () => {
    await using key = await visitKey('acted');
    await enter(await openAction(key.page, 'Allow retry'), { tick: true });
    await waitForState(key.page, 'Released');
    expect(faults(key)).toEqual([]);
  });

  it('secrets are revealed', async () => {
    await office.send({ key: 'revealed', note: { password: 'hunter2' } });
    await using key = await visitPlain(`/keys/${await office.idOf('revealed')}/-`);
    const { page } = key;
    await page.getByRole('tab', { name: 'Response' }).click();
    await page.getByRole('button', { name: /^Reveal/ }).click();
    const dialog = page.getByRole('dialog');
    await enter(dialog);
    await page.getByText('hunter2').waitFor();
    expect(faults(key)).toEqual([]);
  });

  it('a bulk job is planned and started', async () => {
    await office.send({ key: 'bulk', scope: 'bulk', fate: 'timed_out' });
    await using list = await visitPlain('/keys?scope=bulk');
    const { page } = list;
    await page.getByRole('button', { name: 'Plan a bulk job' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Allow retry/).check();
    await dialog.getByLabel('Reason').fill(REASON);
    await submit(dialog);
    await page.getByLabel('Type 1 to start').fill('1');
    await page.getByRole('checkbox', { name: /may happen twice/ }).check();
    await page.getByRole('button', { name: 'Start the job' }).click();
    await page.getByText('1 done').waitFor();
    expect(faults(list)).toEqual([]);
  });

  it.each([
    ['keys are exported', '/keys?all', /Exported \d+ keys?\./],
    ['audit is exported', '/audit', /Exported \d+ entr/],
  ])('the %s', async (_, path, told) => {
    await office.send({ key: 'exported' });
    await using list = await visitPlain(path);
    const { page } = list;
    await page.getByRole('button', { name: 'Export', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill(REASON);
    const download = page.waitForEvent('download');
    await submit(dialog);
    await download;
    await page.getByText(told).waitFor();
    expect(faults(list)).toEqual([]);
  });

  it('a key is copied as it is, and the keyboard stays at its button', async () => {
    const key = 'copied \u202e "as is"';
    await using opened = await visitKey(key);
    const { page } = opened;
    const button = page.getByRole('button', { name: 'Copy the key' });
    await button.click();
    await page.getByText('Copied the key.').waitFor();
    expect(await button.evaluate((element) => element === document.activeElement)).toBe(true);
    expect(await pasted(page)).toBe(key);
    expect(faults(opened)).toEqual([]);
  });
});

/** What is on the clipboard. */
async function pasted(page: Page): Promise<string> {
  const box = page.getByRole('searchbox');
  await box.focus();
  await page.keyboard.press('Control+V');
  return box.inputValue();
}

describe('what goes wrong is called what it is:', () => {
  it('a fault of the page is not one of the server', async () => {
    await using key = await visitKey('fault');
    await key.page.evaluate(() => {
      crypto.getRandomValues = () => {
        throw new Error('no random numbers today');
      };
    });
    const dialog = await openAction(key.page, 'Allow retry');
    await enter(dialog, { tick: true });
    await dialog.getByText('This page has a fault: no random numbers today').waitFor();
    expect(faults(key)).toEqual([]);
  });

  it.each([
    [
      'another page, for the session has ended',
      { status: 200, contentType: 'text/html', body: '<h1>Sign in</h1>' },
      /Something other than the dashboard answered/,
    ],
    [
      'a status of what stands in front',
      { status: 504, contentType: 'text/html', body: 'Gateway' },
      /answered with status 504/,
    ],
    [
      'JSON that is cut off',
      { status: 200, contentType: 'application/json', body: '{"result":' },
      /The answer of the server can not be understood/,
    ],
  ])('an answer that is %s', async (_, answer, told) => {
    await using key = await visitKey('foreign');
    await key.page.route('**/keys.act', (route) => route.fulfill(answer));
    const dialog = await openAction(key.page, 'Allow retry');
    await enter(dialog, { tick: true });
    await dialog.getByText(told).waitFor();
  });

  it('no answer', async () => {
    await using key = await visitKey('silent');
    await key.page.route('**/keys.act', (route) => route.abort());
    const dialog = await openAction(key.page, 'Allow retry');
    await enter(dialog, { tick: true });
    await dialog.getByText('The server can not be reached.').waitFor();
  });
});
