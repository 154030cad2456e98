import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { it } from './support/it.ts';
import { COLLECTION, type Office } from './support/office.ts';
import { REASON, waitForState } from './support/operate.ts';

it.override('officeOptions', {
  policy: { captureRequest: true },
  // The provider's own books: it knows the charges of two keys, and nothing of the others.
  probes: {
    chargeCard: ({ key }) =>
      key === 'ord-3003' || key === 'ord-3004'
        ? {
            found: true,
            summary: 'ch_9 of 19.99 EUR, succeeded',
            data: { chargeCard: { id: 'ch_9', customer: 'cus_7', amount: 1999, note: null } },
            link: 'https://provider.example/ch_9',
          }
        : key === 'ord-4001'
          ? { found: false, summary: 'The provider has no such charge' }
          : { found: null, summary: 'The provider has not booked this hour yet' },
  },
});

it.beforeAll(async ({ office }) => {
  for (const number of [1, 2, 3]) await office.send({ key: `ord-100${number}` });
  await office.send({ key: 'ord-1001', amount: 5 }); // another request with the same key: refused
  for (const number of [1, 2, 3, 4]) await office.send({ key: `ord-200${number}`, fate: 'declined' });
  for (const number of [1, 2, 3, 4]) await office.send({ key: `ord-300${number}`, fate: 'timed_out' });
  for (const number of [1, 2]) await office.send({ key: `ord-400${number}`, fate: 'timed_out_once' });
  for (const scope of ['leaving', 'left']) {
    for (const number of [1, 2]) await office.send({ key: `${scope}-${number}`, scope });
  }
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
    async paste(text: string) {
      actions += 1;
      await page.evaluate((pasted) => {
        const clipboardData = new DataTransfer();
        clipboardData.setData('text/plain', pasted);
        const event = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true });
        (document.activeElement ?? document.body).dispatchEvent(event);
      }, text);
    },
    async click(role: 'button' | 'link' | 'checkbox', name: string | RegExp) {
      actions += 1;
      await page.getByRole(role, { name }).click();
    },
  };
}

const dialogOf = (page: Page) => page.getByRole('dialog');
const isClosed = (page: Page) => dialogOf(page).waitFor({ state: 'detached' });
const focused = (page: Page, selector: string) => page.locator(`${selector}:focus`).waitFor();

describe('a key that a customer gives', () => {
  it.for([
    ['bare', (key: string) => key],
    ['in the quotes of the header', (key: string) => `"${key}"`],
    ['with the name of the header', (key: string) => `Idempotency-Key: ${key}`],
    ['in a line of a log', (key: string) => `level=warn msg="charge failed" scope=acme key=${key}`],
  ] as const)('%s is pasted anywhere on the page, and opens with Enter', async ([, given], { visit }) => {
    await using start = await visit('/');
    const { page } = start;
    await page.getByText('Outcomes').first().waitFor();
    const hands = handsOn(page);
    await hands.paste(given('ord-2001'));
    await focused(page, 'input[type=search]');
    await hands.press('Enter');
    await waitForState(page, 'Error');
    expect(await page.title()).toContain('ord-2001');
    expect(hands.actions).toBe(2);
    expect(start.problems).toEqual([]);
  });

  it('is found by the id of its record, and by a link from a log', async ({ office, visit }) => {
    await using start = await visit('/');
    const { page } = start;
    await page.getByText('Outcomes').first().waitFor();
    const hands = handsOn(page);
    await hands.paste(await office.idOf('ord-2002'));
    await focused(page, 'input[type=search]');
    await hands.press('Enter');
    await waitForState(page, 'Error');
    await page.goto(office.at('/keys/by?scope=acme&key=ord-2003'));
    await page.getByRole('heading', { name: 'ord-2003' }).waitFor();
    expect(start.problems).toEqual([]);
  });
});

describe('what happened', () => {
  it('is understood without an action: why it failed, and what a retry would get', async ({ visitKey }) => {
    await using key = await visitKey('ord-2001');
    const state = key.page.getByRole('region', { name: 'State' });
    await state.getByText('The card was declined: insufficient funds').waitFor();
    await state.getByText('CARD_DECLINED').waitFor();
    await state.getByText('It would get the stored response.').waitFor();
    await state.getByText(/would be refused: IDEMPOTENCY_KEY_REUSED/).waitFor();
    await state.getByText(/Status 422: Make a new key/).waitFor();
    expect(key.problems).toEqual([]);
  });
});

describe('a call that was refused', () => {
  it('is explained on the page of its key: how often, with which code, and what the client should do', async ({
    visitKey,
  }) => {
    await using key = await visitKey('ord-1001');
    const timeline = key.page.getByRole('region', { name: 'Timeline' });
    await timeline.getByText('Refused once').waitFor();
    await timeline.getByText('IDEMPOTENCY_KEY_REUSED').waitFor();
    await timeline.getByText('Status 422. Make a new key for the new request.').waitFor();
    expect(key.problems).toEqual([]);
  });
});

describe('a retry is allowed', () => {
  it('by mouse in three actions: the action, the reason, and the button at the tick', async ({
    visitKey,
  }) => {
    await using key = await visitKey('ord-2001');
    const { page } = key;
    await waitForState(page, 'Error');
    const hands = handsOn(page);
    await hands.click('button', 'Allow retry');
    await focused(page, 'textarea');
    await hands.type(REASON);
    await hands.click('button', 'Tick it and send');
    await isClosed(page);
    await waitForState(page, 'Released');
    expect(hands.actions).toBe(3);
    expect(key.problems).toEqual([]);
  });

  it('by keyboard in four: the action, the reason, to the tick, tick and send', async ({ visitKey }) => {
    await using key = await visitKey('ord-2002');
    const { page } = key;
    await waitForState(page, 'Error');
    const hands = handsOn(page);
    await hands.press('a');
    await focused(page, 'textarea');
    await hands.type(REASON);
    await hands.press('Tab');
    await focused(page, 'input[type=checkbox]');
    await hands.press('Control+Enter');
    await isClosed(page);
    await waitForState(page, 'Released');
    expect(hands.actions).toBe(4);
    expect(key.problems).toEqual([]);
  });

  it('only with the tick: the keys that send do not give it from another field', async ({ visitKey }) => {
    await using key = await visitKey('ord-2003');
    const { page } = key;
    await waitForState(page, 'Error');
    await page.keyboard.press('a');
    await focused(page, 'textarea');
    await page.keyboard.insertText(REASON);
    await page.keyboard.press('Control+Enter');
    await dialogOf(page).getByText('Confirm that the effect may happen twice.').waitFor();
    expect(key.problems).toEqual([]);
  });
});

describe('a key in doubt is marked completed', () => {
  it('by keyboard in six actions, from the response of another key that was changed', async ({
    office,
    visitKey,
  }) => {
    await using key = await visitKey('ord-3001');
    const { page } = key;
    await waitForState(page, 'In doubt');
    const hands = handsOn(page);
    await hands.press('c');
    await dialogOf(page).getByRole('button', { name: 'Begin with another response' }).waitFor();
    await focused(page, 'textarea.font-mono');
    await hands.press('ArrowDown');
    expect(await page.locator('textarea.font-mono').inputValue()).toContain('"ch_');
    await hands.type('{"chargeCard":{"id":"ch_by_hand","customer":"cus_7","amount":1999,"note":null}}');
    await hands.press('Tab');
    await hands.type(REASON);
    await hands.press('Control+Enter');
    await isClosed(page);
    await waitForState(page, 'Completed');
    expect((await office.send({ key: 'ord-3001', fate: 'timed_out' })).body).toContain('ch_by_hand');
    expect(hands.actions).toBe(6);
    expect(key.problems).toEqual([]);
  });

  it('never with the response of another key as it is', async ({ visitKey }) => {
    await using key = await visitKey('ord-3002');
    const { page } = key;
    await waitForState(page, 'In doubt');
    await page.keyboard.press('c');
    await page.getByRole('button', { name: 'Begin with another response' }).click();
    await focused(page, 'textarea.font-mono');
    await dialogOf(page).getByLabel('Reason').fill(REASON);
    await page.keyboard.press('Control+Enter');
    await dialogOf(page)
      .getByText(/^This is still the response of \S/)
      .waitFor();
    expect(key.problems).toEqual([]);
  });
});

describe('who did what', () => {
  it('is found in two actions: the audit, and words of it', async ({ visit }) => {
    await using start = await visit('/');
    const { page } = start;
    await page.getByText('Outcomes').first().waitFor();
    const hands = handsOn(page);
    await hands.press('4');
    await focused(page, 'input[type=search]');
    await page.getByLabel('Words').waitFor();
    await page.locator('form[aria-label=Filters] input[type=search]:focus').waitFor();
    await hands.type('OLGA ord-2002');
    await page.waitForURL(/words=OLGA.ord-2002/);
    const entries = page.getByRole('region', { name: 'What operators did' }).getByRole('listitem');
    await entries.filter({ hasText: 'ord-2002' }).filter({ hasText: REASON }).first().waitFor();
    await entries.filter({ hasText: 'ord-2001' }).first().waitFor({ state: 'detached' });
    expect(hands.actions).toBe(2);
    expect(start.problems).toEqual([]);
  });
});

describe('a key in doubt whose charge the provider knows', () => {
  it('is marked completed by keyboard in four actions: the evidence is taken over, and kept by the audit', async ({
    office,
    visitKey,
  }) => {
    await using key = await visitKey('ord-3003');
    const { page } = key;
    const evidence = page.getByRole('region', { name: 'Evidence' });
    await evidence.getByText('ch_9 of 19.99 EUR, succeeded').waitFor();
    expect(await evidence.getByRole('link', { name: 'Open it there' }).getAttribute('href')).toBe(
      'https://provider.example/ch_9',
    );
    const hands = handsOn(page);
    await hands.press('c');
    await focused(page, 'textarea.font-mono');
    await hands.press('ArrowDown');
    await hands.type(REASON);
    await hands.press('Control+Enter');
    await isClosed(page);
    await waitForState(page, 'Completed');
    expect((await office.send({ key: 'ord-3003', fate: 'timed_out' })).body).toContain('ch_9');
    await page
      .getByRole('region', { name: 'Audit trail' })
      .getByText(/Evidence: ch_9 of 19\.99 EUR, succeeded/)
      .waitFor();
    expect(hands.actions).toBe(4);
    expect(key.problems).toEqual([]);
  });

  it('is marked completed by mouse in four actions: the action, the evidence, the reason, and the button that sends', async ({
    visitKey,
  }) => {
    await using key = await visitKey('ord-3004');
    const { page } = key;
    await page.getByRole('region', { name: 'Evidence' }).getByText('ch_9 of 19.99 EUR, succeeded').waitFor();
    const hands = handsOn(page);
    await hands.click('button', 'Mark completed…');
    await hands.click('button', 'Take over the evidence');
    await hands.type(REASON);
    await hands.click('button', /^Mark completed/);
    await isClosed(page);
    await waitForState(page, 'Completed');
    expect(hands.actions).toBe(4);
    expect(key.problems).toEqual([]);
  });

  it('stays in doubt where the provider does not know', async ({ visitKey }) => {
    await using key = await visitKey('ord-3002');
    const evidence = key.page.getByRole('region', { name: 'Evidence' });
    await evidence.getByText('Nothing is known').waitFor();
    await evidence.getByText('The provider has not booked this hour yet').waitFor();
    expect(key.problems).toEqual([]);
  });
});

describe('a captured request runs again', () => {
  it('by mouse in four actions: the action, the evidence as the reason, the word, and the button at the tick', async ({
    office,
    visitKey,
  }) => {
    await using key = await visitKey('ord-4001', { operator: 'ada' });
    const { page } = key;
    const evidence = page.getByRole('region', { name: 'Evidence' });
    await evidence.getByText('The provider has no such charge').waitFor();
    const hands = handsOn(page);
    await hands.click('button', 'Re-run now…');
    await page.getByText('the customer acme').waitFor();
    await hands.click('button', 'The provider has no such charge');
    await hands.type('rerun');
    await hands.click('button', 'Tick it and send');
    await waitForState(page, 'Completed');
    expect(office.runs('ord-4001')).toBe(2);
    expect(hands.actions).toBe(4);
    const entry = page.getByRole('region', { name: 'Audit trail' }).getByRole('listitem').first();
    await entry.getByText(/Evidence: The provider has no such charge/).waitFor();
    expect(key.problems).toEqual([]);
  });

  it('by keyboard in six', async ({ office, visitKey }) => {
    await using key = await visitKey('ord-4002', { operator: 'ada' });
    const { page } = key;
    await waitForState(page, 'In doubt');
    const hands = handsOn(page);
    await hands.press('u');
    await page.getByText('the customer acme').waitFor();
    await focused(page, 'textarea');
    await hands.type(REASON);
    await hands.press('Tab');
    await hands.type('rerun');
    await hands.press('Tab');
    await hands.press('Control+Enter');
    await waitForState(page, 'Completed');
    expect(office.runs('ord-4002')).toBe(2);
    expect(hands.actions).toBe(6);
    expect(key.problems).toEqual([]);
  });
});

describe('the keys of a tenant expire', () => {
  const left = (office: Office, scope: string) =>
    office.db
      .collection(COLLECTION)
      .countDocuments({ scope, state: 'completed', expiresAt: { $gt: new Date() } });

  it('in six actions, with a plan, its number behind the word, and the tick', async ({ office, visit }) => {
    await using start = await visit('/', { operator: 'ada' });
    const { page } = start;
    await page.getByText('Outcomes').first().waitFor();
    const hands = handsOn(page);
    await hands.paste('expire scope:leaving');
    await focused(page, 'input[type=search]');
    await hands.press('Enter');
    await focused(page, 'textarea');
    await hands.type(REASON);
    await hands.press('Control+Enter');
    await page.getByText('2 succeeded: a new request with the key would run again').waitFor();
    await focused(page, 'form input');
    await hands.type('expire 2');
    await hands.click('button', 'Tick it and send');
    await page.getByText('2 done').waitFor();
    expect(hands.actions).toBe(6);
    expect(await left(office, 'leaving')).toBe(0);
    expect(start.problems).toEqual([]);
  });

  it('from the list of the tenant in five, and the reason of a job is at hand for the next', async ({
    office,
    visit,
  }) => {
    await using list = await visit('/keys?scope=left', { operator: 'ada' });
    const { page } = list;
    await page.getByText('left-2').waitFor();
    const hands = handsOn(page);
    await hands.click('button', 'Expire all of this scope…');
    await focused(page, 'textarea');
    await hands.type(REASON);
    await hands.press('Control+Enter');
    await focused(page, 'form input');
    await hands.type('expire 2');
    await hands.press('Enter');
    await page.getByText('Confirm that the effect of 2 keys may happen twice.').waitFor();
    expect(await left(office, 'left')).toBe(2); // nothing starts without the tick
    await hands.click('button', 'Tick it and send');
    await page.getByText('2 done').waitFor();
    expect(hands.actions).toBe(6); // one of them in vain
    expect(await left(office, 'left')).toBe(0);
    await page.goto(office.at('/keys?scope=left'));
    await page.getByRole('button', { name: 'Expire all of this scope…' }).click();
    await dialogOf(page).getByRole('button', { name: REASON }).click();
    await page.locator('textarea:focus').waitFor();
    expect(await page.locator('textarea').inputValue()).toBe(REASON);
    expect(list.problems).toEqual([]);
  });

  it('by the commands, too', async ({ visit }) => {
    await using start = await visit('/', { operator: 'ada' });
    const { page } = start;
    await page.getByText('Outcomes').first().waitFor();
    await page.keyboard.press('Control+k');
    await focused(page, 'input');
    await page.keyboard.insertText('expire scope:leaving');
    await page.getByRole('option', { name: 'Plan: expire scope:leaving' }).waitFor();
    await page.keyboard.press('Enter');
    await dialogOf(page).getByText('The keys that match scope:leaving now').waitFor();
    expect(start.problems).toEqual([]);
  });
});
