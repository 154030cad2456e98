import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { axeViolations } from './support/axe.ts';
import { it } from './support/it.ts';
import { REASON, submit } from './support/operate.ts';

/** In the dialog that is open. */
async function planRetries(page: Page): Promise<void> {
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel(/^Allow retry/).check();
  await dialog.getByLabel('Reason').fill(REASON);
  await submit(dialog);
}

describe('a bulk job', () => {
  it('is planned from a filter, started by its typed count, and says what became of each key', async ({
    office,
    visit,
  }) => {
    for (const key of ['b-1', 'b-2', 'b-3']) await office.send({ key, scope: 'bulk', fate: 'timed_out' });
    await using list = await visit('/keys?scope=bulk');
    const { page } = list;
    await page.getByText('b-3').waitFor();
    await page.getByRole('button', { name: 'Plan a bulk job' }).click();
    const dialog = page.getByRole('dialog');
    await submit(dialog);
    await dialog.getByText('Give the message of the error.').waitFor();
    await dialog.getByLabel('Error message').fill('The provider lost these payments');
    await dialog.getByLabel('Reason').fill(REASON);
    await submit(dialog);

    await page.getByRole('heading', { name: 'Mark failed', level: 1 }).waitFor();
    await page.getByText('3 keys').waitFor();
    expect(await page.locator('a[data-row]').count()).toBe(3);
    expect(await axeViolations(page)).toEqual([]);
    // The plan is frozen: a key that comes later is not in it.
    await office.send({ key: 'b-4', scope: 'bulk', fate: 'timed_out' });
    await page.getByLabel('Type 3 to start').fill('4');
    await page.getByRole('button', { name: 'Start the job' }).click();
    await page.getByText('The plan has 3 keys.').waitFor();
    await page.getByLabel('Type 3 to start').fill('3');
    await page.getByRole('button', { name: 'Start the job' }).click();
    await page.getByText('3 done').waitFor();
    const results = page.getByRole('region', { name: 'Results' }).getByRole('listitem');
    await results.filter({ hasText: 'Done' }).nth(2).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    expect((await office.send({ key: 'b-1', scope: 'bulk', fate: 'timed_out' })).body).toMatch(
      /lost these payments/,
    );
    expect((await office.send({ key: 'b-4', scope: 'bulk', fate: 'timed_out' })).body).toMatch(
      /IDEMPOTENCY_IN_DOUBT/,
    );

    await page.getByRole('link', { name: 'Bulk jobs', exact: true }).first().click();
    await page
      .getByRole('link', { name: /Mark failed/ })
      .filter({ hasText: '3 of 3' })
      .waitFor();
    expect(list.problems).toEqual([]);
  });

  it('is planned for the keys that are selected, by keyboard, and for no other', async ({
    office,
    visit,
  }) => {
    for (const key of ['s-1', 's-2', 's-3']) await office.send({ key, scope: 'selected', fate: 'timed_out' });
    await using list = await visit('/keys?scope=selected');
    const { page } = list;
    await page.getByText('s-3').waitFor();
    for (const key of ['j', 'x', 'j', 'j', 'x']) await page.keyboard.press(key);
    await page.getByRole('button', { name: 'Plan a bulk job for 2 keys' }).click();
    await page.getByRole('dialog').getByText('The 2 keys that you selected').waitFor();
    await planRetries(page);
    await page.getByText('from 2 selected keys').waitFor();
    await page.getByText('2 in doubt: a retry would run again').waitFor();
    await page.getByLabel('Type 2 to start').fill('2');
    await page.getByRole('button', { name: 'Start the job' }).click();
    await page.getByText('Confirm that the effect of 2 keys may happen twice.').waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole('checkbox', { name: /may happen twice/ }).check();
    await page.getByRole('button', { name: 'Start the job' }).click();
    await page.getByText('2 done').waitFor();
    const states = await office.db
      .collection('idempotency_keys')
      .find({ scope: 'selected' })
      .sort({ key: 1 });
    expect(await states.map(({ state }) => state).toArray()).toEqual(['released', 'in_doubt', 'released']);
    expect(list.problems).toEqual([]);
  });

  it('pauses when the database refuses its writes, and goes on when it is told to', async ({
    office,
    visit,
  }) => {
    for (const key of ['p-1', 'p-2', 'p-3', 'p-4'])
      await office.send({ key, scope: 'paused', fate: 'timed_out' });
    await using list = await visit('/keys?scope=paused');
    const { page } = list;
    await page.getByText('p-4').waitFor();
    await page.getByRole('button', { name: 'Plan a bulk job' }).click();
    await planRetries(page);
    await page.getByLabel('Type 4 to start').fill('4');
    await page.getByRole('checkbox', { name: /may happen twice/ }).check();
    const refuse = (validator: object) => office.db.command({ collMod: 'idempotency_keys', validator });
    await refuse({ state: { $ne: 'released' } });
    await page.getByRole('button', { name: 'Start the job' }).click();
    await page.getByText('Paused', { exact: true }).waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await refuse({});
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByText('4 done').waitFor();
    await page.getByRole('region', { name: 'Job' }).getByText('Done', { exact: true }).waitFor();
    await page.goto(office.at('/audit?action=bulk_resume'));
    await page.getByRole('listitem').filter({ hasText: 'Bulk job resumed' }).waitFor();
    expect(await page.getByLabel('Action', { exact: true }).inputValue()).toBe('bulk_resume');
    expect(list.problems).toEqual([]);
  });

  it('that expires keys says how many succeeded, and asks for the tick and the word', async ({
    office,
    visit,
  }) => {
    for (const key of ['x-1', 'x-2']) await office.send({ key, scope: 'expired' });
    await office.send({ key: 'x-3', scope: 'expired', fate: 'declined' });
    await using list = await visit('/keys?scope=expired');
    const { page } = list;
    await page.getByText('x-3').waitFor();
    await page.getByRole('button', { name: 'Plan a bulk job' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/^Expire now/).check();
    await dialog.getByLabel('Reason').fill(REASON);
    await submit(dialog);
    await page.getByText('2 succeeded: a new request with the key would run again').waitFor();
    await page.getByText('1 failed: a new request with the key would run again').waitFor();
    await page.getByRole('button', { name: 'Start the job' }).click();
    await page.getByText('Type expire 3. The plan has 3 keys.').waitFor();
    await page.getByText('Confirm that the effect of 3 keys may happen twice.').waitFor();
    for (const wrong of ['expire', '3', 'expire 4', 'Expire 3']) {
      await page.getByLabel('Type expire 3 to start').fill(wrong);
      await page.getByText('Type expire 3. The plan has 3 keys.').waitFor();
    }
    await page.getByLabel('Type expire 3 to start').fill('expire 3');
    await page.getByRole('checkbox', { name: /may happen twice/ }).check();
    await page.getByRole('button', { name: 'Start the job' }).click();
    await page.getByText('3 done').waitFor();
    expect(list.problems).toEqual([]);
  });

  it('that is cancelled does nothing', async ({ office, visit }) => {
    await office.send({ key: 'c-1', scope: 'cancelled', fate: 'timed_out' });
    await using list = await visit('/keys?scope=cancelled');
    const { page } = list;
    await page.getByText('c-1').waitFor();
    await page.getByRole('button', { name: 'Plan a bulk job' }).click();
    await planRetries(page);
    await page.getByRole('button', { name: 'Cancel the job…' }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('planned by mistake');
    await submit(page.getByRole('dialog'));
    await page.getByText('Cancelled', { exact: true }).waitFor();
    expect((await office.send({ key: 'c-1', scope: 'cancelled', fate: 'timed_out' })).body).toMatch(
      /IDEMPOTENCY_IN_DOUBT/,
    );
    expect(list.problems).toEqual([]);
  });
});

describe('an export', () => {
  it.for([
    ['CSV', 'csv', /^id,/],
    ['NDJSON', 'ndjson', /^\{"/],
  ])(
    'as %s is a file of the filtered keys, and is in the audit trail',
    async ([format, extension, begins], { office, visit }) => {
      const scope = `export-${extension}`;
      await office.send({ key: '=1+1', scope });
      await office.send({ key: 'other' });
      await using list = await visit(`/keys?scope=${scope}`);
      const { page } = list;
      await page.getByText('=1+1').waitFor();
      await page.getByRole('button', { name: 'Export', exact: true }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByLabel(new RegExp(`^${format}`)).check();
      await dialog.getByLabel('Reason').fill(REASON);
      const download = page.waitForEvent('download');
      await submit(dialog);
      const file = await download;
      expect(file.suggestedFilename()).toMatch(new RegExp(`\\.${extension}$`));
      const text = await readFile(await file.path(), 'utf8');
      expect(text).toMatch(begins);
      expect(text).toContain('=1+1');
      expect(text).not.toContain('other');
      await page.getByText('Exported 1 key').waitFor();

      await page.getByRole('link', { name: 'Audit', exact: true }).click();
      await page
        .getByRole('listitem')
        .filter({ hasText: 'Export' })
        .filter({ hasText: REASON })
        .first()
        .waitFor();
      expect(list.problems).toEqual([]);
    },
  );
});

describe('the audit', () => {
  it('is filtered by operator and by action, in its address', async ({ office, visitKey }) => {
    await office.send({ key: 'a-1', fate: 'declined' });
    await using key = await visitKey('a-1', { operator: 'oscar' });
    const { page } = key;
    await page.getByRole('button', { name: 'Allow retry' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('a reason of oscar’s own');
    await dialog.getByRole('checkbox').check();
    await submit(dialog);
    await dialog.waitFor({ state: 'detached' });
    await page.goto(office.at('/audit'));
    await page.getByLabel('Operator', { exact: true }).fill('oscar@shop.example');
    await page.getByLabel('Action', { exact: true }).selectOption('allow_retry');
    await page.getByRole('button', { name: 'Apply' }).click();
    const entries = page.getByRole('region', { name: 'What operators did' }).getByRole('listitem');
    await entries.filter({ hasText: 'a reason of oscar’s own' }).waitFor();
    await entries.filter({ hasText: 'olga@shop.example' }).first().waitFor({ state: 'detached' });
    expect(page.url()).toMatch(/by=oscar%40shop\.example&action=allow_retry/);
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole('link', { name: 'a-1' }).click();
    await page.getByRole('region', { name: 'State' }).getByText('Released', { exact: true }).waitFor();
    expect(key.problems).toEqual([]);
  });
});
