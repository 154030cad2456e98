import { afterEach, expect, it, vi } from 'vitest';
import { FakeBrowser } from './support/browser.ts';

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

afterEach(() => vi.unstubAllGlobals());

/** A page as a browser has it, but for what is given. A function is what the page meets when it asks. */
function stubPage(missing: Record<string, unknown> = {}): void {
  const page = new FakeBrowser().open();
  const found = {
    crypto,
    sessionStorage: page.session,
    localStorage: page.shared,
    navigator: { locks: page.locks },
    addEventListener: page.addEventListener.bind(page),
    ...missing,
  };
  for (const [name, value] of Object.entries(found)) {
    vi.stubGlobal(name, undefined); // so that it is put back
    if (typeof value === 'function' && value.name === 'denied')
      Object.defineProperty(globalThis, name, { get: value as () => unknown, configurable: true });
    else vi.stubGlobal(name, value);
  }
}

const denied = () => {
  throw new DOMException('The operation is insecure.', 'SecurityError');
};
const { getRandomValues } = crypto;
const full = Object.assign(new FakeBrowser().open().session, {
  setItem: () => {
    throw new DOMException('The quota has been exceeded.', 'QuotaExceededError');
  },
});

/** The client's files as a page loads them that is opened now. */
async function load() {
  vi.resetModules();
  const [keeper, page, fetching, react, urql, trpc, apollo, query] = await Promise.all([
    import('../../plugin/client/key-keeper.ts'),
    import('../../plugin/client/page.ts'),
    import('../../plugin/client/fetch.ts'),
    import('../../plugin/client/react.ts'),
    import('../../plugin/client/urql.ts'),
    import('../../plugin/client/trpc.ts'),
    import('../../plugin/client/apollo.ts'),
    import('../../plugin/client/react-query.ts'),
  ]);
  return { ...keeper, ...page, ...fetching, ...react, ...urql, ...trpc, ...apollo, ...query };
}

const lost = new TypeError('Failed to fetch');

it.each<[string, Record<string, unknown>]>([
  ['a page of HTTPS', {}],
  [
    'a page of plain HTTP: no randomUUID, no locks',
    { crypto: { getRandomValues: getRandomValues.bind(crypto) }, navigator: {} },
  ],
  ['storage that may not be asked for', { sessionStorage: denied, localStorage: denied }],
  ['storage of all tabs that may not be asked for', { localStorage: denied }],
  ['storage that takes nothing', { sessionStorage: full }],
  [
    'locks that are refused',
    { navigator: { locks: { request: () => Promise.reject(new Error('SecurityError')) } } },
  ],
  [
    'no page at all: React Native, a worker, a server',
    { sessionStorage: undefined, localStorage: undefined, navigator: undefined, addEventListener: undefined },
  ],
])('with %s a retry keeps its key, which is a random one', async (_, missing) => {
  stubPage(missing);
  const { KeyKeeper, currentPage, createIdempotentFetch } = await load();
  const keys: string[] = [];
  const keeper = new KeyKeeper(currentPage(), 'pay');
  const send = async (key: string) => {
    keys.push(key);
    if (keys.length === 1) throw lost;
  };
  await expect(keeper.run(5, send)).rejects.toBe(lost);
  await keeper.run(5, send);
  expect(keys[0]).toMatch(UUID_V7);
  expect(keys[1]).toBe(keys[0]);
  await keeper.run(5, send);
  expect(keys[2]).not.toBe(keys[0]);

  const sent: (string | null)[] = [];
  const server: typeof fetch = async (_input, init) => {
    sent.push(new Headers(init?.headers).get('idempotency-key'));
    if (sent.length === 1) throw lost;
    return new Response();
  };
  await createIdempotentFetch(server, { retries: 1, delayMs: () => 0 })('http://x', { method: 'POST' });
  expect(sent[0]).toMatch(UUID_V7);
  expect(sent[1]).toBe(sent[0]);
});

it.each([
  ['no crypto', undefined],
  ['a crypto without a random source', {}],
])('with %s the files load, and a key is an error rather than a weak one', async (_, crypto) => {
  stubPage({ crypto });
  const { KeyKeeper, createIdempotentFetch, idempotencyLink, idempotentMutation } = await load();
  const server = vi.fn(async () => new Response());
  const message = 'Expected `crypto.getRandomValues` to exist';
  await expect(new KeyKeeper().run(5, server)).rejects.toThrow(message);
  await expect(createIdempotentFetch(server)('http://x', { method: 'POST' })).rejects.toThrow(message);
  expect(() => idempotencyLink()({} as never)).toThrow(message);
  expect(server).not.toHaveBeenCalled();
  // A key that is made of a name needs no chance.
  const { mutationFn } = idempotentMutation(
    async (_id: number, { idempotencyKey }) => idempotencyKey,
    (id) => ['pay', id],
  );
  expect(await mutationFn(1, undefined)).toBe('pay:1');
});
