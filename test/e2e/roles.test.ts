import { describe, expect } from 'vitest';
import { it } from './support/it.ts';
import { waitForState } from './support/operate.ts';

it.beforeAll(async ({ office }) => {
  await office.send({ key: 'ours', fate: 'declined' });
  await office.send({ key: 'theirs', scope: 'globex', fate: 'declined' });
});

describe('a viewer', () => {
  it('sees each action, that it is not theirs, and why', async ({ visitKey }) => {
    await using key = await visitKey('ours', { operator: 'vic' });
    await waitForState(key.page, 'Error');
    const actions = key.page.getByRole('region', { name: 'Actions' });
    expect(await actions.textContent()).toMatch(/role is viewer: you can look, but not act/);
    const buttons = await actions.getByRole('button').all();
    expect(buttons.length).toBeGreaterThan(2);
    for (const button of buttons) expect(await button.isDisabled()).toBe(true);
    expect(key.problems).toEqual([]);
  });

  it('can neither export nor plan', async ({ visit }) => {
    await using list = await visit('/keys', { operator: 'vic' });
    await list.page.getByText('ours').waitFor();
    for (const name of ['Export', 'Plan a bulk job']) {
      expect(await list.page.getByRole('button', { name }).isDisabled()).toBe(true);
    }
    expect(list.problems).toEqual([]);
  });
});

it('an operator sees which actions need an admin', async ({ visitKey }) => {
  await using key = await visitKey('ours', { operator: 'olga' });
  await waitForState(key.page, 'Error');
  expect(await key.page.getByRole('button', { name: 'Purge body…' }).isDisabled()).toBe(true);
  await key.page.getByText(/Not now: This needs the role admin/).waitFor();
  expect(key.problems).toEqual([]);
});

it('an operator of one scope sees that scope only', async ({ office, visit }) => {
  await using list = await visit('/keys', { operator: 'scott' });
  await list.page.getByText('ours').waitFor();
  expect(await list.page.getByText('theirs').count()).toBe(0);
  await list.page.goto(office.at(`/keys/${await office.idOf('theirs')}/-`));
  await list.page.getByText('There is no such record').waitFor();
});

it('a session that has ended is said, with a way to go on', async ({ visit }) => {
  await using list = await visit('/keys');
  await list.page.getByText('ours').waitFor();
  await list.page.context().clearCookies();
  await list.page.keyboard.press('r');
  await list.page
    .getByText(/Your session has ended/)
    .first()
    .waitFor();
  // What was there stays readable.
  await list.page.getByText('ours').waitFor();
});
