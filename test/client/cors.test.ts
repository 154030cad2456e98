import { expect, it } from 'vitest';
import { KEY_HEADER, KEYS_HEADER } from '../../plugin/client/key.ts';
import { IDEMPOTENCY_REQUEST_HEADERS } from '../../plugin/http/index.ts';
import { startDistantShop } from './support/shop.ts';

it('the list that a server allows has every header that the clients send (case 5)', () => {
  expect(IDEMPOTENCY_REQUEST_HEADERS).toEqual(expect.arrayContaining([KEY_HEADER, KEYS_HEADER]));
});

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
        'access-control-request-headers': `content-type,${KEY_HEADER},${KEYS_HEADER}`.toLowerCase(),
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(origin);
    const allowed = preflight.headers.get('access-control-allow-headers')?.toLowerCase();
    for (const header of ['content-type', KEY_HEADER, KEYS_HEADER])
      expect(allowed).toContain(header.toLowerCase());

    const answer = await fetch(shop[url], { method: 'POST', headers: { origin } });
    const exposed = answer.headers.get('access-control-expose-headers')?.toLowerCase();
    for (const header of ['idempotent-replayed', 'retry-after']) expect(exposed).toContain(header);
  },
);
