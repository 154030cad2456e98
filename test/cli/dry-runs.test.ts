import { beforeAll, describe, expect, it } from 'vitest';
import { type Admin, failed, REASON, startAdmin } from '../admin/support.ts';
import { callCli } from '../support/call-cli.ts';

let admin: Admin;
beforeAll(async () => {
  admin = await startAdmin();
  await admin.put({ scope: 'other' }); // says in which form the operation is answered
  return () => admin[Symbol.asyncDispose]();
});

const keys = (args: readonly string[], input?: string) =>
  callCli(['keys', ...args, '--db', admin.db.databaseName], input === undefined ? {} : { input });

/** All that a command could have changed, but for the counts. */
async function all() {
  const names = (await admin.db.collections()).map(({ collectionName }) => collectionName).sort();
  const documents = names.map(async (name) => [name, await admin.db.collection(name).find().toArray()]);
  return Object.fromEntries(await Promise.all(documents));
}

interface Case {
  readonly record: Record<string, unknown>;
  readonly args: readonly string[];
  readonly asks: string;
  readonly change: RegExp;
}

const CASES: Record<string, Case> = {
  'allow-retry': {
    record: failed(),
    args: [],
    asks: ' It asks for --yes-may-repeat.',
    change: /^ {2}completed \(error\), fence 1700000000000 → released, fence 1700000000001$/m,
  },
  complete: {
    record: { state: 'in_doubt' },
    args: ['--response', '{"pay":41}'],
    asks: '',
    change: /→ completed \(success\), .*^\+ {2}"outcome": "success",$/ms,
  },
  fail: {
    record: { state: 'in_doubt' },
    args: ['--response', 'declined'],
    asks: '',
    change: /→ completed \(error\), .*^\+.*declined/ms,
  },
  expire: {
    record: {},
    args: [],
    asks: ' It asks for --yes-expire and --yes-may-repeat.',
    change: /^- {2}"expiresAt": |^- {4}"\$date"/m,
  },
  'force-release': {
    record: { state: 'running' },
    args: [],
    asks: ' It asks for --yes-force and --yes-may-repeat.',
    change: /^ {2}running, fence \d+ → released, fence \d+$/m,
  },
  'purge-body': { record: {}, args: [], asks: ' It asks for --yes-purge.', change: /^\+.*"purged"/m },
};

describe.each(Object.entries(CASES))('%s --dry-run', (name, { record, args, asks, change }) => {
  const dryRun = (id: string, ...more: string[]) =>
    keys([name, id, '--reason', REASON, '--dry-run', ...args, ...more]);

  it('says what would change and which options confirm it, and changes nothing', async () => {
    const id = await admin.put(record);
    const before = await all();
    const { code, out, err } = await dryRun(id);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^Nothing was changed\. /);
    expect(out.split('\n', 1)[0]?.endsWith(`.${asks}`)).toBe(true);
    expect(out).toMatch(change);
    const json = JSON.parse((await dryRun(id, '--json')).out);
    expect(json).toMatchObject({ dryRun: true, possible: true, after: expect.any(String) });
    expect(await all()).toEqual(before);
  });

  it('of a key that it is not for says why, with 1, as the action itself', async () => {
    const id = await admin.put({ state: name === 'force-release' ? 'in_doubt' : 'running' });
    const before = await all();
    const { code, err } = await dryRun(id);
    expect(code).toBe(1);
    expect(await all()).toEqual(before);
    const confirmed = ['--yes-may-repeat', '--yes-expire', '--yes-force', '--yes-purge'];
    const known = confirmed.filter((option) => asks.includes(option));
    expect(await keys([name, id, '--reason', REASON, ...args, ...known])).toMatchObject({ code: 1, err });
  });
});

describe('a dry run is checked as the action is:', () => {
  it.each([
    ['a short reason', ['expire'], 'short', 'Expected `reason` to be a reason of 8 characters or more'],
    ['a response that is no JSON', ['complete', '--response', '{'], REASON, 'Expected a response as JSON'],
  ])('%s is wrong use', async (_, [name = '', ...args], reason, message) => {
    const id = await admin.put({ state: name === 'expire' ? 'completed' : 'in_doubt' });
    expect(await keys([name, id, '--reason', reason, ...args, '--dry-run'])).toEqual({
      code: 2,
      out: '',
      err: expect.stringContaining(message),
    });
  });
});

describe('preview says what a retry would get, and what each action would do:', () => {
  it('of a key in doubt', async () => {
    const id = await admin.put({ state: 'in_doubt' });
    const before = await all();
    const { code, out, err } = await keys(['preview', id]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('\nA retry: It would be refused: IDEMPOTENCY_IN_DOUBT.');
    expect(out).toContain('\n  complete: Retries get this response.\n');
    expect(out).toMatch(/\n {2}allow-retry: The next request .* It asks for --yes-may-repeat\.\n/);
    expect(out).toMatch(/\n {2}expire: not now\. It is in doubt; this is for completed, released\.\n/);
    expect(out).toMatch(/\n {2}rerun: not now\. Its request was not captured/);
    expect(await all()).toEqual(before);
  });

  it('as JSON, by scope and key', async () => {
    await admin.put({ scope: 'acme', key: 'named' });
    const { out } = await keys(['preview', '--scope', 'acme', '--key', 'named', '--json']);
    expect(JSON.parse(out)).toMatchObject({
      state: 'completed',
      preview: { decision: 'replay' },
      actions: expect.arrayContaining([
        { action: 'expire', refused: null, confirm: 'expire', mayRepeat: true, effect: expect.any(String) },
      ]),
    });
  });

  it.each([['preview'], ['show']])('%s of a key that is not there is refused, as JSON too', async (name) => {
    expect(await keys([name, '0'.repeat(24)])).toEqual({
      code: 1,
      out: '',
      err: 'Refused: There is no such key\n',
    });
    const { code, out } = await keys([name, '--scope', 'no', '--key', 'no', '--json']);
    expect([code, JSON.parse(out)]).toEqual([
      1,
      { done: false, why: 'There is no such key', code: 'not_found' },
    ]);
  });

  it.each([['preview'], ['show']])(
    '%s has the link to its page, where the dashboard is known',
    async (name) => {
      const id = await admin.put();
      const link = `https://admin.shop.example/keys/keys/by?recordId=${id}`;
      const at = ['--dashboard-url', 'https://admin.shop.example/keys/'];
      expect((await keys([name, id, ...at])).out).toContain(`\nDashboard: ${link}\n`);
      expect(JSON.parse((await keys([name, id, ...at, '--json'])).out)).toMatchObject({ link });
      expect((await keys([name, id])).out).not.toContain('Dashboard');
      expect(await keys([name, id, '--dashboard-url', 'admin'])).toMatchObject({ code: 2 });
    },
  );
});
