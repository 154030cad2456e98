import { describe, expect } from 'vitest';
import { axeViolations } from './support/axe.ts';
import { it } from './support/it.ts';
import { COLLECTION } from './support/office.ts';
import { enter, openAction, REASON, submit, waitForState } from './support/operate.ts';

describe('the stored response (case 16)', () => {
  it('is shown without its secrets, which are revealed for a reason that is audited', async ({
    office,
    visitKey,
  }) => {
    await office.send({ key: 'secret', note: { apiKey: 'sk_live_51HxSecret', city: 'Lima' } });
    await using key = await visitKey('secret');
    const { page } = key;
    await page.getByText('Lima').waitFor();
    expect(await page.locator('body').textContent()).not.toContain('sk_live_51HxSecret');
    await page.getByRole('button', { name: 'Reveal secrets…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill(REASON);
    await submit(dialog);
    await page.getByText('sk_live_51HxSecret').waitFor();
    await page.getByText(/Secrets are shown/).waitFor();
    const trail = page.getByRole('region', { name: 'Audit trail' });
    await trail
      .getByRole('listitem')
      .filter({ hasText: 'Reveal secrets' })
      .filter({ hasText: REASON })
      .waitFor();
    expect(await axeViolations(page)).toEqual([]);
    await page.reload();
    await page.getByText('Lima').waitFor();
    expect(await page.locator('body').textContent()).not.toContain('sk_live_51HxSecret');
    expect(key.problems).toEqual([]);
  });

  it('of a viewer stays without them', async ({ office, visitKey }) => {
    await office.send({ key: 'viewed', note: { password: 'hunter2-hunter2' } });
    await using key = await visitKey('viewed', { operator: 'vic' });
    const button = key.page.getByRole('button', { name: 'Reveal secrets…' });
    await button.waitFor();
    expect(await button.isDisabled()).toBe(true);
    expect(await key.page.locator('body').textContent()).not.toContain('hunter2-hunter2');
    expect(key.problems).toEqual([]);
  });
});

it('what `redact` has left of a response is shown, without anything to reveal', async ({
  office,
  visitKey,
}) => {
  await office.send({ key: 'redacted', note: { city: 'Lima', token: '[redacted]' } });
  await office.db
    .collection(COLLECTION)
    .updateOne({ key: 'redacted' }, { $set: { 'response.omitted': 'redacted' } });
  await using key = await visitKey('redacted');
  await key.page.getByText('Lima').waitFor();
  await key.page.getByText(/What `redact` names was taken out/).waitFor();
  expect(await key.page.getByRole('button', { name: 'Reveal secrets…' }).count()).toBe(0);
  expect(await axeViolations(key.page)).toEqual([]);
  expect(key.problems).toEqual([]);
});

it('Re-run is off where the request was not captured, and says so', async ({ office, visitKey }) => {
  await office.send({ key: 'not captured', fate: 'timed_out' });
  await using key = await visitKey('not captured');
  await key.page.getByText(/Not now: Its request was not captured/).waitFor();
  expect(await key.page.getByRole('button', { name: 'Re-run now…' }).isDisabled()).toBe(true);
  expect(key.problems).toEqual([]);
});

describe.each(['light', 'dark'] as const)('in the %s theme', (colorScheme) => {
  it('the differences that an action made, the raw record and the empty request are shown', async ({
    office,
    visitKey,
  }) => {
    const sent = { key: `diff ${colorScheme}`, fate: 'timed_out' } as const;
    await office.send(sent);
    await using key = await visitKey(sent.key, { context: { colorScheme } });
    const { page } = key;
    await waitForState(page, 'In doubt');
    await enter(await openAction(page, 'Mark failed…'), { response: 'It was not paid' });
    await waitForState(page, 'Error');
    await page.getByRole('tab', { name: 'Diff' }).click();
    const differences = page.getByRole('region', { name: 'Differences' });
    await differences.getByText(/"state": "in_doubt"/).waitFor();
    const removed = differences.locator('div').filter({ hasText: /^-removed:.*"state": "in_doubt"/ });
    const added = differences.locator('div').filter({ hasText: /^\+added:.*"state": "completed"/ });
    expect([await removed.count(), await added.count()]).toEqual([1, 1]);
    expect(await axeViolations(page)).toEqual([]);
    await page.getByRole('tab', { name: 'Raw' }).click();
    // The panel of the differences, which has the same text, stays for a moment more.
    const raw = page.getByRole('tabpanel', { name: 'Raw' });
    await raw.getByText(/"operation": "chargeCard"/).waitFor();
    await page.getByRole('tab', { name: 'Request' }).click();
    await page.getByText('The request was not captured').waitFor();
    expect(await axeViolations(page)).toEqual([]);
    expect(key.problems).toEqual([]);
  });
});
