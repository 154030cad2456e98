import { expect, it } from 'vitest';
import { startDistantShop } from './support/shop.ts';

const KEY_HEADERS = ['Idempotency-Key', 'Idempotency-Keys'];

it.each(['graphqlUrl', 'trpcUrl'] as const)(
  'a page of another origin may send keys to the %s of the guide, and read what became of them (case 5)',
  async (url) => {
    await using shop = await startDistantShop();
    const origin = 'https://shop.example';
    const preflight = await fetch(shop[url], {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': ['content-type', ...KEY_HEADERS].join().toLowerCase(),
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
    const allowed = preflight.headers.get('access-control-allow-headers')?.toLowerCase();
    for (const header of ['content-type', ...KEY_HEADERS]) expect(allowed).toContain(header.toLowerCase());

    const answer = await fetch(shop[url], { method: 'POST', headers: { origin } });
    const exposed = answer.headers.get('access-control-expose-headers')?.toLowerCase();
    for (const header of ['idempotent-replayed', 'idempotency-expires', 'retry-after'])
      expect(exposed).toContain(header);
  },
);
