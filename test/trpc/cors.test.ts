import { createServer } from 'node:http';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { expect, it } from 'vitest';
import { idempotencyHeaders } from '../../plugin/key/index.ts';
import { idempotencyResponseMeta } from '../../plugin/trpc/index.ts';
import { listen } from '../support/listen.ts';
import { contextOf, freshIdempotency, idempotentFor, post, plain as t } from './support.ts';

it.each([
  ['one call', 'pay', { 'idempotency-key': 'k' }],
  ['a batch', 'pay,pay?batch=1', { 'idempotency-keys': '["a","b"]' }],
])(
  'case 5: a page of another origin may send the keys of %s, and see that it is a replay',
  async (_name, path, keys) => {
    await using fresh = await freshIdempotency();
    const router = t.router({
      pay: t.procedure.use(idempotentFor(t, fresh.idempotency)()).mutation(() => 'paid'),
    });
    const handler = createHTTPHandler({
      router,
      createContext: contextOf,
      responseMeta: idempotencyResponseMeta,
      middleware(req, res, next) {
        res.setHeader('Access-Control-Allow-Origin', '*');
        res.setHeader(
          'Access-Control-Allow-Headers',
          ['Content-Type', 'X-User', ...idempotencyHeaders().request].join(', '),
        );
        res.setHeader('Access-Control-Expose-Headers', idempotencyHeaders().response.join(', '));
        if (req.method === 'OPTIONS') res.writeHead(204).end();
        else next();
      },
    });
    const server = createServer(handler);
    await using listening = await listen(server);
    const url = `${listening.url}/${path}`;
    const preflight = await fetch(url, { method: 'OPTIONS' });
    const allowed = preflight.headers.get('access-control-allow-headers')?.toLowerCase().split(', ');
    expect(allowed).toEqual(expect.arrayContaining(Object.keys(keys)));

    await post(url, {}, { headers: keys });
    const replay = await post(url, {}, { headers: keys });
    expect(replay.replayed).toBe(true);
    const exposed = replay.headers.get('access-control-expose-headers')?.toLowerCase().split(', ');
    expect(exposed).toEqual(
      expect.arrayContaining(['idempotent-replayed', 'idempotency-expires', 'retry-after']),
    );
  },
);
