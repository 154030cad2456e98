import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { isMustConfirm } from '../../plugin/client/errors.ts';
import { KeyKeeper } from '../../plugin/client/key-keeper.ts';
import { gate } from '../support/gate.ts';
import { until } from '../support/until.ts';
import { FakeBrowser, type FakePage } from './support/browser.ts';

const lost = new TypeError('fetch failed');
const declined = Object.assign(new Error('Declined'), { status: 402 });
/** In an insecure context there are no locks. */
const contexts = [
  ['secure', true],
  ['insecure', false],
] as const;

let browser: FakeBrowser;
beforeEach(() => {
  browser = new FakeBrowser();
});
afterEach(() => vi.useRealTimers());

/** The form of one page. */
class Form {
  readonly page: FakePage;
  readonly keeper: KeyKeeper;

  constructor(page: FakePage) {
    this.page = page;
    this.keeper = new KeyKeeper(page, 'pay');
  }

  /** The key that an attempt was sent with; undefined when the user was asked instead. */
  async submit(amount: number, ending?: Error): Promise<string | undefined> {
    let sentWith: string | undefined;
    const attempt = this.keeper.run({ amount }, async (key) => {
      sentWith = key;
      if (ending) throw ending;
    });
    await attempt.catch((error: unknown) => expect(error === ending || isMustConfirm(error)).toBe(true));
    return sentWith;
  }

  reload(): Form {
    return new Form(this.page.reload());
  }

  /** The page as its tab shows it, before anything is clicked. */
  async seen() {
    this.keeper.subscribe(() => {});
    await until(() => expect(this.keeper.state().key).toBeTypeOf('string'));
    return this.keeper.state();
  }
}

it.each(contexts)('a reload keeps the key of an attempt without an answer: %s', async (_, secure) => {
  const form = new Form(browser.open({ secure }));
  const key = await form.submit(5, lost);
  const reloaded = form.reload();
  expect(await reloaded.seen()).toEqual({ key, unsettled: true, mustConfirm: false });
  expect(await reloaded.submit(5)).toBe(key);
  expect(await reloaded.submit(5)).not.toBe(key);
});

it.each(contexts)('a reload while the attempt is under way keeps its key: %s', async (_, secure) => {
  const form = new Form(browser.open({ secure }));
  const key = await new Promise<string>((resolve) => {
    void form.keeper.run({ amount: 5 }, (key) => {
      resolve(key);
      return new Promise(() => {});
    });
  });
  expect(await form.reload().submit(5)).toBe(key);
});

it.each(contexts)('a changed input is a question after a reload too: %s (case 13)', async (_, secure) => {
  const form = new Form(browser.open({ secure }));
  const key = await form.submit(5, lost);
  const reloaded = form.reload();
  expect(await reloaded.submit(6)).toBeUndefined();
  await reloaded.keeper.startOver();
  expect(await reloaded.submit(6)).not.toBe(key);
});

it.each(contexts)('a corrected input has a new key after a reload too: %s (case 13)', async (_, secure) => {
  const form = new Form(browser.open({ secure }));
  const key = await form.submit(5, declined);
  expect(await form.reload().submit(6)).toEqual(expect.not.stringMatching(String(key)));
});

it.each(contexts)('after a success nothing is left for a reload: %s', async (_, secure) => {
  const form = new Form(browser.open({ secure }));
  const key = await form.submit(5);
  expect(form.page.session.getItem('latchkey:pay')).toBeNull();
  expect(await form.reload().submit(5)).toEqual(expect.not.stringMatching(String(key)));
});

it('what was entered is not in storage', async () => {
  const form = new Form(browser.open());
  await form.keeper.run({ card: '4242424242424242' }, async () => Promise.reject(lost)).catch(() => {});
  expect(form.page.session.text()).toContain('latchkey:pay');
  expect(form.page.session.text()).not.toContain('4242');
});

it('a duplicated tab has a key of its own, and the first tab keeps its key', async () => {
  const form = new Form(browser.open());
  const key = await form.submit(5, lost);
  await browser.quiet();
  const copy = new Form(form.page.duplicate());
  vi.useFakeTimers();
  copy.keeper.subscribe(() => {});
  await vi.advanceTimersByTimeAsync(1_000);
  expect(copy.page.session.getItem('latchkey:pay')).toBeNull();
  const copied = copy.submit(5, lost);
  await vi.advanceTimersByTimeAsync(1);
  expect(await copied).toEqual(expect.not.stringMatching(String(key)));
  expect(await form.submit(5)).toBe(key);
  expect(await copy.submit(5)).toBe(await copied);
});

it('a duplicated tab is told so before it can lose the race: also after the first tab is reloaded', async () => {
  const form = new Form(browser.open());
  const key = await form.submit(5, lost);
  await browser.quiet();
  const copy = new Form(form.page.duplicate());
  const reloaded = form.reload();
  expect(await reloaded.submit(5, lost)).toBe(key);
  await browser.quiet();
  vi.useFakeTimers();
  const copied = copy.submit(5);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await copied).toEqual(expect.not.stringMatching(String(key)));
});

it('a copy of an operation that has ended since is not taken up', async () => {
  const form = new Form(browser.open());
  const key = await form.submit(5, lost);
  const copy = form.page.duplicate();
  expect(await form.submit(5)).toBe(key);
  form.page.close();
  const copied = new Form(copy);
  copied.keeper.subscribe(() => {});
  await browser.quiet();
  expect([...browser.lockQueues.values()].flat()).toEqual([]);
  expect(await copied.submit(5)).toEqual(expect.not.stringMatching(String(key)));
});

it('a page that takes its time to go does not cost its reload the key', async () => {
  const form = new Form(browser.open());
  const key = await form.submit(5, lost);
  await browser.quiet();
  vi.useFakeTimers();
  // The same tab's next page, and the old one still has its lock.
  const reloaded = new Form(form.page.duplicate());
  const resubmitted = reloaded.submit(5);
  await vi.advanceTimersByTimeAsync(900);
  form.page.close();
  await vi.advanceTimersByTimeAsync(1);
  expect(await resubmitted).toBe(key);
});

it('a tab that is restored after a crash goes on with its key', async () => {
  const form = new Form(browser.open());
  const key = await form.submit(5, lost);
  expect(await new Form(form.page.crash()).submit(5)).toBe(key);
});

it.each([
  ['a crash', (page: FakePage) => page.crash()],
  ['a duplication', (page: FakePage) => page.duplicate()],
])('without locks %s can not be told from the other, and is a question to the user', async (_, after) => {
  const form = new Form(browser.open({ secure: false }));
  const key = await form.submit(5, lost);
  const next = new Form(after(form.page));
  expect(await next.submit(5)).toBeUndefined();
  expect(next.keeper.state()).toEqual({ key, unsettled: true, mustConfirm: true });
  await next.keeper.startOver();
  expect(await next.submit(5)).toEqual(expect.not.stringMatching(String(key)));
});

it('without locks a copy does not finish what is not its own', async () => {
  const form = new Form(browser.open({ secure: false }));
  const key = await form.submit(5, lost);
  const copy = new Form(form.page.duplicate());
  expect(await copy.submit(5)).toBeUndefined();
  await copy.keeper.startOver();
  await copy.submit(5);
  expect(await form.reload().submit(5)).toBe(key);
});

it.each(contexts)('a page that comes back from the back-forward cache goes on: %s', async (_, secure) => {
  const form = new Form(browser.open({ secure }));
  const key = await form.submit(5, lost);
  form.page.emit('pagehide', { persisted: true });
  form.page.emit('pageshow', { persisted: true });
  expect(await form.submit(5)).toBe(key);
});

it('an answer that comes while a page finds its way back ends the operation for good', async () => {
  const form = new Form(browser.open());
  const answer = gate();
  const paid = form.keeper.run({ amount: 5 }, () => answer);
  await until(() => expect(form.keeper.state().unsettled).toBe(true));
  form.page.emit('pagehide', { persisted: true });
  form.page.emit('pageshow', { persisted: true });
  answer.open();
  await paid;
  await until(() => expect([...browser.lockQueues.values()].flat()).toEqual([]));
  expect(form.keeper.state()).toEqual({ key: undefined, unsettled: false, mustConfirm: false });
  expect(form.page.session.getItem('latchkey:pay')).toBeNull();
});

it('an attempt that was under way while its page was away still ends the operation', async () => {
  const form = new Form(browser.open());
  const answer = gate();
  const paid = form.keeper.run({ amount: 5 }, () => answer);
  await until(() => expect(form.keeper.state().unsettled).toBe(true));
  form.page.emit('pagehide', { persisted: true });
  form.page.emit('pageshow', { persisted: true });
  await browser.quiet();
  answer.open();
  await paid;
  expect(form.keeper.state()).toEqual({ key: undefined, unsettled: false, mustConfirm: false });
});

it('a page that is left and comes back while it waits for its key gets it', async () => {
  const form = new Form(browser.open());
  const key = await form.submit(5, lost);
  await browser.quiet();
  vi.useFakeTimers();
  // The same tab's next page, and the old one still has its lock.
  const reloaded = new Form(form.page.duplicate());
  const resubmitted = reloaded.submit(5, lost);
  await vi.advanceTimersByTimeAsync(500);
  const copy = new Form(reloaded.page.duplicate()).submit(5);
  await vi.advanceTimersByTimeAsync(1);
  reloaded.page.emit('pagehide', { persisted: true });
  reloaded.page.emit('pageshow', { persisted: true });
  await vi.advanceTimersByTimeAsync(1);
  form.page.close();
  await vi.advanceTimersByTimeAsync(1);
  expect(await resubmitted).toBe(key);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await copy).toEqual(expect.not.stringMatching(String(key)));
});

it('a page that was in the back-forward cache gives up a key that a copy took up meanwhile', async () => {
  const form = new Form(browser.open());
  const key = await form.submit(5, lost);
  await browser.quiet();
  form.page.emit('pagehide', { persisted: true });
  expect(await new Form(form.page.duplicate()).submit(5, lost)).toBe(key);
  vi.useFakeTimers();
  form.page.emit('pageshow', { persisted: true });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(form.keeper.state()).toEqual({ key: undefined, unsettled: false, mustConfirm: false });
  const resubmitted = form.submit(5);
  expect(await resubmitted).toEqual(expect.not.stringMatching(String(key)));
});

it('a page holds no lock that it has no use for', async () => {
  const form = new Form(browser.open());
  for (const amount of [1, 2, 3]) await form.submit(amount);
  await form.submit(4, lost);
  await until(() => expect([...browser.lockQueues.values()].flat()).toHaveLength(1));
});

it('a storage that is full costs the reload, not the payment', async () => {
  const form = new Form(browser.open());
  const full = () => {
    throw new DOMException('full', 'QuotaExceededError');
  };
  form.page.session.setItem = full;
  browser.shared.setItem = full;
  const key = await form.submit(5, lost);
  form.page.emit('pagehide', { persisted: true });
  form.page.emit('pageshow', { persisted: true });
  expect(await form.submit(5)).toBe(key);
});

it('a storage that has become full keeps no operation that is over', async () => {
  const form = new Form(browser.open());
  await form.submit(5, declined);
  form.page.session.setItem = () => {
    throw new DOMException('full', 'QuotaExceededError');
  };
  await form.submit(6, lost);
  expect(form.page.session.getItem('latchkey:pay')).toBeNull();
});

it.each(['{', '5', 'null', '{"key":5}'])(
  'a storage that somebody damaged is no operation: %s',
  async (text) => {
    const page = browser.open();
    page.session.setItem('latchkey:pay', text);
    browser.shared.setItem('latchkey:finished', text);
    const form = new Form(page);
    const key = await form.submit(5, lost);
    expect(key).toMatch(/^[0-9a-f-]{36}$/);
    expect(form.keeper.state()).toEqual({ key, unsettled: true, mustConfirm: false });
  },
);

it('where locks are refused the owner is not known, and the user is asked', async () => {
  const form = new Form(browser.open());
  await form.submit(5, lost);
  const copy = form.page.duplicate();
  if (copy.locks) copy.locks.request = () => Promise.reject(new DOMException('no', 'SecurityError'));
  expect(await new Form(copy).submit(5)).toBeUndefined();
});
