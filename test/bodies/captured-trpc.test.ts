import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createIdempotencyMiddleware } from '../../plugin/trpc/index.ts';
import type { Policy } from '../../server/index.ts';
import { freshIdempotency, idempotentFor, plain, serve, withSuperjson } from '../trpc/support.ts';

const SECRET = 'hunter2';

async function start(policy: Policy) {
  const fresh = await freshIdempotency({ captureRequest: true, ...policy });
  const idempotent = idempotentFor(withSuperjson, fresh.idempotency);
  const login = z.object({
    at: z.date(),
    password: z.string(),
    more: z.map(z.string(), z.string()).optional(),
  });
  const app = await serve(
    withSuperjson.router({
      session: withSuperjson.router({
        login: withSuperjson.procedure
          .input(login)
          .use(idempotent())
          .mutation(({ input }) => ({ at: input.at, made: new Map([['token', SECRET]]) })),
      }),
    }),
  );
  return {
    ...app,
    ...fresh,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await fresh[Symbol.asyncDispose]();
    },
  };
}

const input = {
  json: { at: '2026-01-01T00:00:00.000Z', password: SECRET, more: [['password', SECRET]] },
  meta: { values: { at: ['Date'], more: ['map'] } },
};

describe('a captured tRPC call', () => {
  test('has the input as the client sent it, and can be sent again', async () => {
    await using app = await start({});
    const first = await app.post('session.login', input, { key: 'k' });
    const [record] = await app.records();
    expect(record?.request).toMatchObject({ format: 'trpc/1' });
    const sent = JSON.parse(await app.idempotency.open(record as never, 'request'));
    expect(sent).toMatchObject({ path: 'session.login', input });
    expect(await app.post(sent.path, sent.input, { key: 'k' })).toMatchObject({
      body: first.body,
      replayed: true,
    });
  });

  test('has no hidden names, in Maps neither', async () => {
    await using app = await start({ redact: ['password', 'token'] });
    expect((await app.post('session.login', input, { key: 'k' })).body).toContain(SECRET);
    const records = await app.records();
    expect(JSON.stringify(records)).not.toContain(SECRET);
    expect(records[0]).toMatchObject({ request: { omitted: 'redacted' }, response: { omitted: 'redacted' } });
    expect(await app.idempotency.open(records[0] as never, 'response')).toContain('2026-01-01T00:00:00.000Z');
  });

  test('has no hidden names where a transformer writes names and contents apart', async () => {
    await using fresh = await freshIdempotency({ captureRequest: true, redact: ['password', 'token'] });
    const flat = {
      serialize: (value: unknown) => {
        const leaves: unknown[] = [];
        const shape = JSON.stringify(value, (_name, leaf) =>
          typeof leaf === 'string' ? leaves.push(leaf) : leaf,
        );
        return { shape, leaves };
      },
      deserialize: ({ shape, leaves }: { shape: string; leaves: unknown[] }) =>
        JSON.parse(shape, (_name, leaf) => (typeof leaf === 'number' ? leaves[leaf - 1] : leaf)),
    };
    const { initTRPC } = await import('@trpc/server');
    const t = initTRPC.context<{ req: object; user: string | null }>().create({ transformer: flat });
    const idempotent = createIdempotencyMiddleware(t, {
      idempotency: fresh.idempotency,
      scope: ({ ctx }) => ctx.user,
    });
    await using app = await serve(
      t.router({
        login: t.procedure
          .input(z.object({ password: z.string() }))
          .use(idempotent())
          .mutation(() => ({ id: 'me', token: SECRET })),
      }),
    );
    const first = await app.post('login', flat.serialize({ password: SECRET }), { key: 'k' });
    expect(first.body).toContain(SECRET);
    const records = await fresh.records();
    expect(JSON.stringify(records)).not.toContain(SECRET);
    expect(JSON.stringify(records)).toContain('me');
    expect((await app.post('login', flat.serialize({ password: SECRET }), { key: 'k' })).status).toBe(409);
  });

  test('without an input, or with a form, is captured as far as it can be', async () => {
    await using fresh = await freshIdempotency({ captureRequest: true });
    const idempotent = idempotentFor(plain, fresh.idempotency);
    await using app = await serve(
      plain.router({
        ping: plain.procedure.use(idempotent()).mutation(() => 'pong'),
        upload: plain.procedure
          .input(z.instanceof(FormData))
          .use(idempotent())
          .mutation(() => 'stored'),
      }),
    );
    await app.post('ping', undefined, { key: 'ping' });
    const form = new FormData();
    form.append('file', new File(['x'], 'x'));
    const headers = { 'x-user': 'alice', 'idempotency-key': 'upload' };
    expect((await fetch(`${app.url}/upload`, { method: 'POST', headers, body: form })).status).toBe(200);
    const byKey = new Map((await fresh.records()).map((record) => [record.key, record]));
    expect(await fresh.idempotency.open(byKey.get('ping') as never, 'request')).toBe('{"path":"ping"}');
    expect(byKey.get('upload')).toMatchObject({
      state: 'completed',
      request: { format: 'trpc/1', bytes: 0, omitted: 'unserializable' },
    });
  });
});
