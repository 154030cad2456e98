import { describe, expect } from 'vitest';
import { it } from './support/it.ts';
import { COLLECTION, type Office } from './support/office.ts';
import { waitForState } from './support/operate.ts';

const MEGABYTE = 'x'.repeat(1_000_000);
const ITEMS = Array.from({ length: 5_000 }, (_, index) => ({ sku: `sku-${index}`, price: index }));

it.override('officeOptions', { policy: { maxResultBytes: 4_000_000 } });
it.beforeAll(async ({ office }) => {
  await office.send({ key: 'one megabyte', note: MEGABYTE });
  await office.send({ key: 'many items', note: ITEMS });
  await copies(office, 'one megabyte', 60);
});

/** Records like one that a run made, so that the list is long and every body is large. */
async function copies(office: Office, key: string, count: number) {
  const records = office.db.collection(COLLECTION);
  const { _id, ...record } = (await records.findOne({ key })) ?? {};
  await records.insertMany(
    Array.from({ length: count }, (_, number) => ({ ...record, key: `copy ${number}` })),
  );
}

/** What the server is asked about the keys, and how long each of its answers is. */
function watchCommands({ db }: Office) {
  const asked: string[] = [];
  const answers: number[] = [];
  db.client.on('commandStarted', ({ command, commandName }) => {
    asked.push(`${commandName} ${JSON.stringify(command.pipeline)}`);
  });
  db.client.on('commandSucceeded', ({ reply }) => answers.push(JSON.stringify(reply).length));
  return { asked, answers };
}

describe('a list of keys with large bodies (case 20)', () => {
  it('reads no bodies, counts nothing, and pages through all of it', async ({ office, visit }) => {
    await using list = await visit('/audit');
    const { page } = list;
    const { asked, answers } = watchCommands(office);
    await page.getByRole('link', { name: 'Keys', exact: true }).click();
    await page.getByRole('link', { name: 'All', exact: true }).click();
    const rows = page.locator('a[data-row]');
    await rows.nth(49).waitFor();
    const seen = await rows.allTextContents();
    await page.getByRole('link', { name: 'Older' }).click();
    await page.getByRole('link', { name: 'Newest' }).waitFor();
    seen.push(...(await rows.allTextContents()));
    expect(seen.length).toBe(62);
    expect(new Set(seen).size).toBe(62);
    expect(Math.max(...answers)).toBeLessThan(100_000);
    expect(asked.filter((command) => /^aggregate.*"\$sort"/.test(command)).length).toBeGreaterThan(1);
    // What the tab says of keys that wait is counted up to a bound, by the index.
    const others = asked.filter((command) => !/"\$limit":(?:1001|101)\b/.test(command));
    expect(others.filter((command) => /^(count|distinct) |"\$(count|group|sum)"/.test(command))).toEqual([]);
    expect(list.problems).toEqual([]);
  });
});

describe('a body (case 20)', () => {
  it('of a megabyte is cut, says its size, and comes whole when it is asked for', async ({ visitKey }) => {
    await using key = await visitKey('one megabyte');
    const { page } = key;
    await waitForState(page, 'Completed');
    await page.getByText(/graphql\/1 · 1\.0 MB/).waitFor();
    const button = page.getByRole('button', { name: 'Load all of it (1.0 MB)' });
    await button.waitFor();
    expect((await page.locator('main').textContent())?.length).toBeLessThan(20_000);
    await button.focus();
    await page.keyboard.press('Enter');
    await page.getByText(/Show more of 1,000,000 characters/).waitFor();
    // Who came by keyboard goes on from the text, not from the top of the page.
    await page.keyboard.press('Tab');
    expect(await page.locator('[role=tabpanel] button:focus').count()).toBe(1);
    expect((await page.locator('main').textContent())?.length).toBeLessThan(20_000);
    expect(key.problems).toEqual([]);
  });

  it('of five thousand items shows some of them at once, and the rest on demand', async ({ visitKey }) => {
    await using key = await visitKey('many items');
    const { page } = key;
    await page.getByRole('button', { name: /Load all of it/ }).click();
    await page.getByRole('button', { name: /note.*5,000 items/ }).click();
    await page.getByText('Show more: 4,900 are left').waitFor();
    expect(await page.locator('[role=tabpanel] *').count()).toBeLessThan(3_000);
    await page.getByRole('button', { name: /Show more: 4,900/ }).click();
    await page.getByText('Show more: 4,400 are left').waitFor();
    expect(key.problems).toEqual([]);
  });
});
