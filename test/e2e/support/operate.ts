import type { Locator, Page } from 'playwright-core';

export interface Entries {
  readonly reason?: string;
  readonly response?: string;
  readonly confirm?: string;
  readonly tick?: boolean;
}

export const REASON = 'INC-4211: the provider confirmed it';

/** Opens an action's dialog by its button. */
export async function openAction(page: Page, name: string): Promise<Locator> {
  await page.getByRole('button', { name, exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  return dialog;
}

/** Fills what the dialog asks for and sends it. */
export async function enter(
  dialog: Locator,
  { reason = REASON, response, confirm, tick }: Entries = {},
): Promise<void> {
  if (response !== undefined) await dialog.getByLabel(/Response data|Error message/).fill(response);
  await dialog.getByLabel('Reason').fill(reason);
  if (confirm !== undefined) await dialog.getByLabel(/^Type/).fill(confirm);
  if (tick) await dialog.getByRole('checkbox').check();
  await submit(dialog);
}

export async function submit(dialog: Locator): Promise<void> {
  await dialog.locator('button[type=submit]').click();
}

/** The state that the key's page shows. */
export function stateOf(page: Page): Locator {
  return page.getByRole('region', { name: 'State' });
}

export async function waitForState(page: Page, label: string): Promise<void> {
  await stateOf(page).getByText(label, { exact: true }).waitFor();
}
