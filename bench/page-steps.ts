import type { Collection } from 'mongodb';
import type { Page } from 'playwright-core';
import type { LargeKeys } from './seed-keys.ts';

export interface PageStage {
  readonly origin: string;
  readonly collection: Collection;
  readonly large: LargeKeys;
}

interface Step {
  readonly name: string;
  /** The page before it, from where it is opened. */
  readonly from?: string;
  /** Resolves when what was asked for can be used; with how many ms it took, where that is not all of the time. */
  readonly work: (page: Page, stage: PageStage) => Promise<unknown>;
}

export const firstRow = (page: Page) => page.locator('a[data-row]').first().waitFor();
const list = (page: Page, terms: string) =>
  page
    .getByRole('table', { name: `Keys: ${terms}` })
    .locator('a[data-row]')
    .first()
    .waitFor();
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });

function open(name: string, path: (stage: PageStage) => string, usable: (page: Page) => Promise<void>): Step {
  return {
    name,
    async work(page, stage) {
      await page.goto(stage.origin + path(stage), { waitUntil: 'commit' });
      await usable(page);
    },
  };
}

/** Searches from the list of all keys. */
function search(name: string, terms: string): Step {
  return {
    name,
    from: '/keys?all',
    async work(page) {
      await page.getByRole('searchbox').fill(terms);
      await page.keyboard.press('Enter');
      await list(page, terms);
    },
  };
}

/** What an operator came for: the state, an action, and as much of the body as is shown. */
async function keyIsUsable(page: Page): Promise<void> {
  await button(page, 'Expire now…').click({ trial: true });
  await button(page, /^Load all of it/).click({ trial: true });
}

const keyPath = (id: string) => `/keys/${id}/-`;

function loadAll(
  name: string,
  id: (large: LargeKeys) => string,
  shows: (page: Page) => Promise<void>,
): Step[] {
  return [
    open(`${name}: the key's page`, ({ large }) => keyPath(id(large)), keyIsUsable),
    {
      name: `${name}: all of it`,
      async work(page) {
        await button(page, /^Load all of it/).click();
        await shows(page);
      },
    },
  ];
}

/** In this order, on one page: a step without `from` begins where the one before has ended. */
export const STEPS: readonly Step[] = [
  open(
    'overview',
    () => '/',
    (page) => page.getByText('Outcomes').waitFor(),
  ),
  open('first page: needs attention', () => '/keys', firstRow),
  open('first page: all keys', () => '/keys?all', firstRow),
  search('filter: 50 keys of 1 MB each', 'state:completed error:no'),
  search('filter: a scope', 'scope:customer-7'),
  search('filter: no index', 'state:released'),
  ...loadAll(
    'a text of 1 MB',
    ({ text }) => text,
    (page) => button(page, /^Show more of/).waitFor(),
  ),
  ...loadAll(
    '1 MB of small values',
    ({ values }) => values,
    (page) => button(page, /items/).waitFor(),
  ),
  ...loadAll(
    '5,000 items',
    ({ items }) => items,
    (page) => button(page, /items/).waitFor(),
  ),
  {
    name: '5,000 items: the first 100',
    async work(page) {
      await button(page, /5,000 items/).click();
      await button(page, /^Show more/).waitFor();
    },
  },
  {
    name: '5,000 items: 500 more',
    async work(page) {
      await button(page, /^Show more: 4,900/).click();
      await button(page, /^Show more: 4,400/).waitFor();
    },
  },
  {
    name: 'live refresh: its answer',
    from: '/keys?all',
    async work(page) {
      const response = await page.waitForResponse(/keys\.list/);
      await response.finished();
      return response.request().timing().responseEnd;
    },
  },
  {
    name: 'live refresh: the new key',
    async work(page, { collection }) {
      const { _id, ...newest } = (await collection.findOne({}, { sort: { _id: -1 } })) ?? {};
      const key = `new-${_id}`;
      await collection.insertOne({ ...newest, key });
      const news = button(page, '1 new');
      await news.waitFor();
      const startedAt = performance.now();
      await news.click();
      await page.getByRole('link', { name: key, exact: true }).waitFor();
      return performance.now() - startedAt;
    },
  },
];
