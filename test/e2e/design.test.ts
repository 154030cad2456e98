import { ObjectId } from 'mongodb';
import type { Locator, Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { axeViolations } from './support/axe.ts';
import { it } from './support/it.ts';
import { COLLECTION, type Office } from './support/office.ts';
import { waitForState } from './support/operate.ts';

const UUID = '7f3b1c2e-5a9d-4c1b-8e2f-0a1b2c3d4e5f';
const ADA = { operator: 'ada' } as const;

it.beforeAll(async ({ office }) => {
  await office.send({ key: UUID });
  await office.send({ key: 'declined', fate: 'declined' });
  await office.send({ key: 'doubted', fate: 'timed_out' });
  await office.hold({ key: 'held' });
  await addKeys(office, 120);
  await addCounts(office);
});

/** Keys of one scope, as a busy shop leaves them. */
async function addKeys({ db }: Office, count: number) {
  const now = Date.now();
  const keys = Array.from({ length: count }, (_, index) => ({
    _id: new ObjectId(),
    scope: 'many',
    key: `many-${index}`,
    operation: 'chargeCard',
    fingerprint: `s1:${'0'.repeat(64)}`,
    owner: `owner-${index}`,
    fence: now,
    life: now,
    attempts: 1,
    createdAt: new Date(now - 390_000),
    startedAt: new Date(now - 390_000),
    completedAt: new Date(now - 389_000),
    expiresAt: new Date(now + 86_400_000),
    history: [],
    v: 1,
    state: 'completed',
    outcome: 'success',
  }));
  await db.collection(COLLECTION).insertMany(keys);
}

/** An hour of runs that took up to nine minutes, with one failure among thousands. */
async function addCounts({ db }: Office) {
  const widthMs = 60_000;
  const last = Math.floor(Date.now() / widthMs) * widthMs;
  const spans = Array.from({ length: 50 }, (_, index) => ({
    widthMs,
    from: new Date(last - (index + 1) * widthMs),
    operation: 'chargeCard',
    success: 4_000,
    error: index === 20 ? 1 : 0,
    released: 0,
    inDoubt: 0,
    replays: 3,
    durations: { '76': 4_000 },
  }));
  await db.collection(`${COLLECTION}_stats`).insertMany(spans);
}

const colourOf = (locator: Locator, property = 'color') =>
  locator.evaluate((element, name) => getComputedStyle(element).getPropertyValue(name), property);

const RED = 'rgb(179, 38, 30)';
const BLUE = 'rgb(36, 80, 200)';

describe('the actions of a key', () => {
  it('are red where they can not be taken back, and what is recommended stands out', async ({ visitKey }) => {
    await using key = await visitKey('doubted', ADA);
    const { page } = key;
    const button = (name: string) => page.getByRole('button', { name, exact: true });
    await waitForState(page, 'In doubt');
    expect(await colourOf(button('Mark completed…'), 'background-color')).toBe(BLUE);
    expect(await colourOf(button('Mark failed…'))).toBe(BLUE);
    expect(await colourOf(button('Allow retry'))).not.toBe(RED);
    await using completed = await visitKey(UUID, ADA);
    await waitForState(completed.page, 'Completed');
    const names = await completed.page.getByRole('region', { name: 'Actions' }).getByRole('button').all();
    const texts = await Promise.all(names.slice(0, 2).map((name) => name.textContent()));
    expect(texts.map((text) => text?.replace(/…\w*$/, ''))).toEqual(['Expire now', 'Purge body']);
    for (const name of ['Expire now…', 'Purge body…']) {
      expect(await colourOf(completed.page.getByRole('button', { name, exact: true }))).toBe(RED);
    }
    expect(key.problems).toEqual([]);
  });

  it('come before what is stored, on the page and for the keyboard, also where the page is narrow', async ({
    visitKey,
  }) => {
    await using key = await visitKey('doubted', {
      ...ADA,
      context: { viewport: { width: 390, height: 844 } },
    });
    const { page } = key;
    await waitForState(page, 'In doubt');
    const tops = await page.evaluate(() =>
      ['State', 'Actions', 'Timeline', 'Record', 'What is stored', 'Audit trail'].map((name) => {
        const sections = [...document.querySelectorAll('section')];
        const label = (section: Element) =>
          section.getAttribute('aria-label') ??
          document.getElementById(section.getAttribute('aria-labelledby') ?? '')?.textContent;
        const index = sections.findIndex((section) => label(section) === name);
        return [index, sections[index]?.getBoundingClientRect().top ?? -1] as const;
      }),
    );
    const isRising = (numbers: readonly number[]) =>
      numbers.every((number, index) => index === 0 || number > (numbers[index - 1] as number));
    expect([isRising(tops.map(([index]) => index)), isRising(tops.map(([, top]) => top))]).toEqual([
      true,
      true,
    ]);
    await page.getByRole('heading', { name: 'doubted', level: 1 }).waitFor();
    expect(await page.title()).toMatch(/^\(\d+\) doubted · Latchkey$/);
  });

  it('stand beside the timeline and the record without scrolling, on a wide page', async ({ visitKey }) => {
    await using key = await visitKey('doubted', { context: { viewport: { width: 1440, height: 900 } } });
    await waitForState(key.page, 'In doubt');
    for (const name of ['Actions', 'Timeline', 'Record']) {
      const box = await key.page.getByRole('region', { name, exact: true }).boundingBox();
      expect((box?.y ?? 900) + 100).toBeLessThan(900);
    }
  });
});

describe('the list of keys', () => {
  it('has what is in a row on one line, a head that stays, and whole UUIDs', async ({ visit }) => {
    await using list = await visit('/keys?all', { context: { viewport: { width: 1440, height: 900 } } });
    const { page } = list;
    const row = page.getByRole('row').nth(1);
    await row.waitFor();
    const middles = await row.evaluate((element) =>
      [...element.querySelectorAll('input, td > span > span:not(.sr-only), a[data-row], time')].map(
        (part) => {
          const { top, height } = part.getBoundingClientRect();
          return top + height / 2;
        },
      ),
    );
    expect(Math.max(...middles) - Math.min(...middles)).toBeLessThanOrEqual(1);
    await page.mouse.wheel(0, 700);
    await page.waitForFunction(() => scrollY > 300);
    const head = await page.getByRole('columnheader', { name: 'State' }).boundingBox();
    expect(head?.y).toBeGreaterThan(30);
    expect(head?.y).toBeLessThan(60);
    await page.getByRole('searchbox').fill(`key:${UUID}`);
    await page.keyboard.press('Enter');
    const link = page.locator('a[data-row]').first();
    await link.getByText(UUID).waitFor();
    for (const width of [1280, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      expect(await link.evaluate((element) => element.scrollWidth <= element.clientWidth)).toBe(true);
    }
    expect(await page.getByRole('rowheader').first().textContent()).toContain(UUID);
    expect(list.problems).toEqual([]);
  });

  it.for([320, 390, 768, 1024])('cuts no age at %i px, and has a search of use', async (width, { visit }) => {
    await using list = await visit('/keys?scope=many', { context: { viewport: { width, height: 844 } } });
    const { page } = list;
    await page.locator('a[data-row]').first().waitFor();
    const cut = await page.evaluate(() =>
      [...document.querySelectorAll('td time')]
        .map((time) => time.closest('td') as HTMLElement)
        .filter((cell) => cell.offsetParent !== null && cell.scrollWidth > cell.clientWidth)
        .map((cell) => cell.textContent),
    );
    expect(cut).toEqual([]);
    const search = await page.getByRole('searchbox').boundingBox();
    expect(search?.width).toBeGreaterThan(150);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth)).toBe(true);
  });

  it('says its state once, and has terms that can be added, changed and kept', async ({ visit }) => {
    await using list = await visit('/keys', ADA);
    const { page } = list;
    await page.getByText('doubted').waitFor();
    const filters = page.getByRole('list', { name: 'Filters' });
    expect(await filters.getByText('attention').count()).toBe(0);
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await page.getByRole('combobox', { name: 'Add a filter' }).fill('scope:acm');
    await page.keyboard.press('Enter');
    await page.getByText('Nothing matches').waitFor();
    await page.getByRole('button', { name: 'Change the filter scope:acm' }).click();
    await page.getByRole('combobox', { name: 'Change the filter scope:acm' }).fill('scope:acme');
    await page.keyboard.press('Enter');
    await page.getByText('doubted').waitFor();
    expect(page.url()).toMatch(/\/keys\?state=attention&scope=acme$/);
    await page.getByRole('button', { name: 'Save this filter' }).click();
    await page.goto(new URL('keys?all', page.url()).href);
    await page.getByRole('navigation', { name: 'Saved filters' }).getByRole('link').click();
    await page.getByText('doubted').waitFor();
    expect(page.url()).toMatch(/\/keys\?state=attention&scope=acme$/);
    expect(list.problems).toEqual([]);
  });

  it('keeps the selection on its next page, and when a key was looked at', async ({ visit }) => {
    await using list = await visit('/keys?scope=many', ADA);
    const { page } = list;
    const box = (key: string) => page.getByRole('checkbox', { name: `Select the key ${key}`, exact: true });
    await page.getByRole('checkbox', { name: 'Select all keys of this page' }).check();
    await page.getByText('50 keys selected').waitFor();
    await page.getByRole('link', { name: 'Older' }).click();
    await page.getByText('many-69').waitFor();
    await page.getByText('50 keys selected').waitFor();
    await box('many-69').click();
    await box('many-60').click({ modifiers: ['Shift'] });
    await page.getByText('60 keys selected').waitFor();
    await page.getByRole('link', { name: 'many-65', exact: true }).click();
    await page.getByRole('heading', { name: 'many-65' }).waitFor();
    await page.getByText('5 of 50').waitFor();
    await page.keyboard.press('j');
    await page.getByRole('heading', { name: 'many-64' }).waitFor();
    await page.getByRole('link', { name: 'Previous key' }).click();
    await page.getByRole('heading', { name: 'many-65' }).waitFor();
    await page.getByRole('link', { name: 'Keys', exact: true }).last().click();
    await page.getByText('60 keys selected').waitFor();
    expect(page.url()).toMatch(/scope=many&cursor=/);
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.getByText('60 keys selected').waitFor({ state: 'detached' });
    expect(list.problems).toEqual([]);
  });
});

describe('a chart', () => {
  const chart = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

  it('has ticks that are round in their unit, with labels that are whole', async ({ visit }) => {
    await using overview = await visit('/', ADA);
    const duration = chart(overview.page, 'Duration, 95th percentile');
    await duration.locator('svg text').first().waitFor();
    const labels = await duration.locator('svg text').allTextContents();
    expect(labels).toEqual(expect.arrayContaining(['0', '5 min', '10 min']));
    const outside = await overview.page.evaluate(() =>
      [...document.querySelectorAll('svg[role=group] text')].flatMap((text) => {
        const [inner, outer] = [text, text.closest('svg') as Element].map((part) =>
          part.getBoundingClientRect(),
        );
        const fits = inner && outer && inner.left >= outer.left && inner.right <= outer.right;
        return fits ? [] : [text.textContent];
      }),
    );
    expect(outside).toEqual([]);
  });

  it('shows one failure among thousands, and says beside it what it is of', async ({ visit }) => {
    await using overview = await visit('/', ADA);
    const { page } = overview;
    const outcomes = chart(page, 'Outcomes');
    const failure = outcomes.getByRole('link', { name: /: 1 error$/ }).first();
    const mark = await failure.locator('rect').last().boundingBox();
    expect(mark?.height).toBeGreaterThanOrEqual(3);
    const hit = await failure.locator('rect').first().boundingBox();
    expect(hit?.height).toBeGreaterThanOrEqual(12);
    await failure.focus();
    await outcomes
      .locator('[aria-hidden]')
      .filter({ hasText: /UTC.*Error.*1.*Success.*4,000/ })
      .waitFor();
    expect(await axeViolations(page)).toEqual([]);
    expect(overview.problems).toEqual([]);
  });

  it('without data says that nothing ran', async ({ visit }) => {
    await using limited = await visit('/', { operator: 'scott' });
    await limited.page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(await limited.page.locator('svg[role=group]').count()).toBe(0);
  });
});

describe('motion', () => {
  const moving = (page: Page) => page.evaluate(() => document.getAnimations().length);

  it('shows what runs, and is none for who asked for none', async ({ visit }) => {
    await using list = await visit('/keys?state=running', ADA);
    const { page } = list;
    await page.getByText('held').waitFor();
    expect(await moving(page)).toBeGreaterThan(0);
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await page.reload();
    await page.getByText('held').waitFor();
    await page.getByRole('button', { name: 'Export' }).click();
    await page.getByRole('dialog').waitFor();
    expect(await moving(page)).toBe(0);
    expect(list.problems).toEqual([]);
  });

  it('of a message: what was done is told for a while, and leaves', async ({ visitKey }) => {
    await using key = await visitKey('doubted', ADA);
    const { page } = key;
    await waitForState(page, 'In doubt');
    await page.context().grantPermissions(['clipboard-write']);
    await page.clock.install();
    await page.getByRole('button', { name: 'Copy the key' }).click();
    await page.getByText('Copied the key.').waitFor();
    await page.mouse.move(0, 0);
    await page.clock.runFor(9_000);
    await page.getByText('Copied the key.').waitFor({ state: 'detached' });
  });
});

it('times stand in UTC, and beside it in the time of the operator', async ({ visitKey }) => {
  await using key = await visitKey(UUID, { context: { timezoneId: 'Asia/Tokyo' } });
  const record = key.page.getByRole('region', { name: 'Record', exact: true });
  await record.getByText(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/).waitFor();
  await record.getByText(/\d\d:\d\d:\d\d GMT\+9$/).waitFor();
  expect(key.problems).toEqual([]);
});

it('an operation has a page of its figures, and of its keys that need somebody', async ({ visitKey }) => {
  await using key = await visitKey('doubted', ADA);
  const { page } = key;
  await page.getByRole('link', { name: 'chargeCard', exact: true }).click();
  await page.getByRole('heading', { name: 'chargeCard', level: 1 }).waitFor();
  const attention = page.getByRole('region', { name: 'Need attention' });
  await attention.getByRole('link', { name: 'doubted' }).waitFor();
  await page.getByRole('region', { name: 'Running' }).getByRole('link', { name: 'held' }).waitFor();
  expect(await axeViolations(page)).toEqual([]);
  expect(key.problems).toEqual([]);
});

it('Live says that the server is away, until it is back', async ({ visit }) => {
  await using list = await visit('/keys', ADA);
  const { page } = list;
  await page.getByText('doubted').waitFor();
  await page.route('**/api/trpc/**', (route) => route.abort());
  await page.keyboard.press('r');
  await page.getByText('Server away').waitFor();
  await page.unroute('**/api/trpc/**');
  await page.keyboard.press('r');
  await page.getByText('Server away').waitFor({ state: 'detached' });
});

describe('with forced colours', () => {
  it.for([
    ['/keys', 'a[aria-current]', 2],
    ['/', 'label:has(:checked)', 1],
  ] as const)('what is chosen on %s is told by an outline', async ([path, chosen, count], { visit }) => {
    await using opened = await visit(path, { context: { forcedColors: 'active' } });
    const { page } = opened;
    await page
      .locator(chosen)
      .nth(count - 1)
      .waitFor();
    const outlines = await page
      .locator(chosen)
      .evaluateAll((elements) => elements.map((element) => getComputedStyle(element).outlineStyle));
    expect(outlines).not.toContain('none');
    expect(await axeViolations(page)).toEqual([]);
    expect(opened.problems).toEqual([]);
  });
});
