import { describe, expect } from 'vitest';
import { it } from './support/it.ts';
import { enter, openAction, waitForState } from './support/operate.ts';

it.override('officeOptions', { basePath: '/internal/ops/latchkey/' });

const RIGHT_TO_LEFT = String.fromCodePoint(0x202e);

describe('a key that is hard to address (case 29)', () => {
  it.for([
    ['a/b?c#d%2F', 'a/b?c#d%2F'],
    ['..', '..'],
    ['+', '+'],
    ['"quoted" \'twice\' \\ `', '"quoted" \'twice\' \\ `'],
    ['k'.repeat(255), 'k'.repeat(255)],
    ['مفتاح', 'مفتاح'],
    ['00123', '00123'],
    ['1e5', '1e5'],
    ['constructor', 'constructor'],
    ['__proto__', '__proto__'],
    ['{"$gt":""}', '{"$gt":""}'],
    ['javascript:alert(1)', 'javascript:alert(1)'],
    ['<img src=x onerror="document.title=1">', '<img src=x onerror="document.title=1">'],
    [`invoice${RIGHT_TO_LEFT}fdp.exe`, 'invoiceU+202Efdp.exe'],
    ['scope:acme key:x', 'scope:acme key:x'],
  ] as const)(
    '%j is opened from the list, by its pasted address and after a reload, and can be acted on',
    async ([key, shown], { office, visit }) => {
      const scope = `a scope of its own <b> & / ${key.slice(0, 20)}`;
      await office.send({ key, scope, fate: 'declined' });
      await using list = await visit(`/keys?${new URLSearchParams({ scope })}`, {
        operator: 'ada',
      });
      const { page } = list;
      const row = page.getByRole('row').nth(1).getByRole('link');
      expect(await row.textContent()).toBe(shown);

      await row.click();
      await waitForState(page, 'Error');
      const heading = page.locator('h1 [data-key]');
      expect(await heading.textContent()).toBe(shown);
      expect(page.url()).toMatch(/\/internal\/ops\/latchkey\/keys\/[0-9a-f]{24}\/\d+$/);

      await page.reload();
      await waitForState(page, 'Error');
      expect(await heading.textContent()).toBe(shown);

      const pasted = await page.context().newPage();
      await pasted.goto(page.url());
      await enter(await openAction(pasted, 'Allow retry'), { tick: true });
      await waitForState(pasted, 'Released');
      const found = await office.db.collection('idempotency_keys').findOne({ scope, key });
      expect(found?.state).toBe('released');
      expect(list.problems).toEqual([]);
    },
  );

  it('is found by typing it', async ({ office, visit }) => {
    const key = 'say "a/b?c" \\ #1';
    await office.send({ key });
    await using page = await visit('/');
    await page.page.getByRole('searchbox').fill(key);
    await page.page.keyboard.press('Enter');
    const heading = page.page.locator('h1 [data-key]');
    await heading.waitFor();
    expect(await heading.textContent()).toBe(key);
    expect(page.problems).toEqual([]);
  });
});

describe('a stored value', () => {
  const note = {
    markup: '<script>document.title = "owned"</script><img src=x onerror="document.title=1">',
    link: 'javascript:alert(document.domain)',
    bidi: `abc${RIGHT_TO_LEFT}def`,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: for a template engine, if there were one
    template: '{{constructor.constructor("x")()}} ${7*7}',
    constructor: { prototype: { polluted: true } },
    '': 'no name',
    $where: 'sleep(1000)',
    'a.b': 1,
  };

  it('is shown as the text that it is', async ({ office, visitKey }) => {
    await office.send({ key: 'values', note: { ...note, ['__proto__']: { polluted: true } } });
    await using key = await visitKey('values');
    const { page } = key;
    await page.getByText(note.markup, { exact: false }).waitFor();
    await page.getByText(note.link, { exact: false }).waitFor();
    await page.getByText('abcU+202Edef').waitFor();
    await page.getByText(note.template, { exact: false }).waitFor();
    expect(await page.title()).toBe('values · Latchkey');
    expect(await page.locator('main script, main img, main iframe').count()).toBe(0);
    expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
    expect(await page.evaluate(() => 'polluted' in {})).toBe(false);
    expect(key.problems).toEqual([]);
  });

  it('that is a 64-bit number is exact, in a body and in a record', async ({ office, visitKey }) => {
    const big = '9007199254740993';
    await office.send({ key: 'numbers' });
    const records = office.db.collection('idempotency_keys');
    const body = `{"data":{"chargeCard":{"id":${big}}}}`;
    const { Long } = await import('mongodb');
    await records.updateOne(
      { key: 'numbers' },
      {
        $set: {
          'response.body': body,
          'response.bytes': body.length,
          replays: Long.fromString('9223372036854775807'),
        },
      },
    );
    await using key = await visitKey('numbers');
    await key.page.getByText(big).first().waitFor();
    await key.page.getByText('9223372036854775807').first().waitFor();
    expect(key.problems).toEqual([]);
  });

  it('that is damaged is said to be, on its page, and does not break the list', async ({ office, visit }) => {
    await office.send({ key: 'damaged', scope: 'damage' });
    await office.send({ key: 'unreadable', scope: 'damage' });
    const records = office.db.collection('idempotency_keys');
    await records.updateOne({ key: 'damaged' }, { $set: { 'response.body': null } });
    await records.updateOne(
      { key: 'unreadable' },
      { $set: { v: 99, fence: '<b>7</b>', createdAt: 'yesterday', life: null } },
    );
    await using list = await visit('/keys?scope=damage');
    await list.page
      .locator('td')
      .getByText('Unreadable', { exact: true })
      .locator('visible=true')
      .first()
      .waitFor();
    await list.page.getByRole('link', { name: 'unreadable', exact: true }).click();
    await list.page.getByText(/^Damaged: /).waitFor();
    await list.page.goBack();
    await list.page.getByRole('link', { name: 'damaged', exact: true }).click();
    await list.page.getByText('This body is damaged').waitFor();
    expect(list.problems).toEqual([]);
  });
});
