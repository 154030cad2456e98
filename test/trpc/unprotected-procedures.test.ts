import { initTRPC, lazy } from '@trpc/server';
import { expect, it } from 'vitest';
import { createIdempotencyMiddleware, unprotectedProcedures } from '../../plugin/trpc/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';

const t = initTRPC.create();
const idempotency = createIdempotency({ store: createMemoryStore() });
const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: () => 'global' });

const done = () => 'done';
const tagged = t.middleware(({ next }) => next({ ctx: { tag: 'a' } }));
const bare = t.procedure.use(tagged).mutation(done);
const guarded = t.procedure.use(idempotent());

it('lists the mutations without idempotent(), by their paths, in nested and in lazy routers', async () => {
  const router = t.router({
    setTheme: bare,
    pay: guarded.mutation(done),
    get: t.procedure.query(done),
    watch: t.procedure.subscription(async function* () {}),
    orders: t.router({ create: guarded.use(tagged).mutation(done), cancel: bare }),
    plain: { ship: bare },
    shop: lazy(async () =>
      t.router({
        open: bare,
        buy: guarded.concat(idempotent.resolverStarts).mutation(done),
        card: lazy(async () => ({ router: t.router({ add: bare, drop: guarded.mutation(done) }) })),
      }),
    ),
  });

  const all = ['setTheme', 'orders.cancel', 'plain.ship', 'shop.open', 'shop.card.add'];
  expect(await unprotectedProcedures(router)).toEqual(all);
  expect(await unprotectedProcedures(router)).toEqual(all); // once the lazy ones are there
});

it('knows the middleware in every place where it protects', async () => {
  const host = initTRPC.create();
  const router = t.mergeRouters(
    t.router({
      piped: t.procedure.use(tagged.unstable_pipe(idempotent())).mutation(done),
      pipedBehind: t.procedure.use(idempotent().unstable_pipe(tagged)).mutation(done),
      concatenated: t.procedure.use(tagged).concat(guarded).mutation(done),
      ofAnotherRoot: host.procedure.concat(guarded).mutation(done),
      optional: t.procedure.use(idempotent({ require: false })).mutation(done),
    }),
    t.router({ onlyTheMark: t.procedure.concat(idempotent.resolverStarts).mutation(done) }),
  );
  expect(await unprotectedProcedures(router)).toEqual(['onlyTheMark']);
});

it('rejects with what a lazy router that can not be loaded fails with', async () => {
  const router = t.router({ shop: lazy(() => Promise.reject(new Error('no such file'))) });
  await expect(unprotectedProcedures(router)).rejects.toThrow('no such file');
});
