import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { it } from './support/it.ts';
import { REASON, waitForState } from './support/operate.ts';

it.beforeAll(async ({ office }) => {
  for (const number of [1, 2, 3]) await office.send({ key: `ord-100${number}` });
  await office.send({ key: 'ord-2001', fate: 'declined' });
});

/** Counts what an operator does: a click, a key, or a text that is typed or pasted in one go. */
function handsOn(page: Page) {
  let actions = 0;
  return {
    get actions() {
      return actions;
    },
    async press(key: string) {
      actions += 1;
      await page.keyboard.press(key);
    },
    async type(text: string) {
      actions += 1;
      await page.keyboard.insertText(text);
    },
    async click(role: 'button' | 'link' | 'checkbox', name: string | RegExp) {
      actions += 1;
      await page.getByRole(role, { name }).click();
    },
  };
}

describe('an operator', () => {
  it('finds a key by its text in three actions, and opens it with one more', async ({ visit }) => {
    await using start = await visit('/');
    const { page } = start;
    await page.getByText('Outcomes').waitFor();
    const hands = handsOn(page);
    await hands.press('/');
    await hands.type('ord-2001');
    await hands.press('Enter');
    await page.getByRole('link', { name: 'ord-2001', exact: true }).waitFor();
    expect(hands.actions).toBeLessThanOrEqual(3);
    await page.locator('a[data-row]:focus').waitFor();
    await hands.press('Enter');
    await waitForState(page, 'Error');
    expect(start.problems).toEqual([]);
  });

  it('understands why it failed, and what a retry would get, without leaving the page', async ({
    visitKey,
  }) => {
    await using key = await visitKey('ord-2001');
    const state = key.page.getByRole('region', { name: 'State' });
    await state.getByText('The card was declined: insufficient funds').waitFor();
    await state.getByText('CARD_DECLINED').waitFor();
    await state.getByText('It would get the stored response.').waitFor();
    await state.getByText(/would be refused: IDEMPOTENCY_KEY_REUSED/).waitFor();
    expect(key.problems).toEqual([]);
  });

  it('allows a retry in four actions and the reason', async ({ visitKey }) => {
    await using key = await visitKey('ord-2001');
    const { page } = key;
    await waitForState(page, 'Error');
    const hands = handsOn(page);
    await hands.click('button', 'Allow retry');
    await page.locator('textarea:focus').waitFor();
    await page.keyboard.insertText(REASON);
    await hands.click('checkbox', /may happen twice/);
    await hands.press('Enter');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    await waitForState(page, 'Released');
    expect(hands.actions).toBeLessThanOrEqual(4);
    expect(key.problems).toEqual([]);
  });
});
