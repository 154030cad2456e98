import { initTRPC } from '@trpc/server';
import type { CreateHTTPContextOptions } from '@trpc/server/adapters/standalone';
import type { Idempotency } from 'latchkey';
import { createIdempotencyMiddleware, idempotencyErrorFormatter } from 'latchkey/trpc';
import { z } from 'zod';
import { provider } from './host.ts';

/** A `Context` is what `createContext` of each host makes. */
export interface Context {
  readonly user: string | undefined;
  /** The headers of the request: the key is among them. A web `Headers`, those of Node.js, or a plain object. */
  readonly headers: object;
  /** Says how many calls a batch has. */
  readonly info: CreateHTTPContextOptions['info'];
}

const t = initTRPC.context<Context>().create({ errorFormatter: idempotencyErrorFormatter });

/** Makes the tRPC API of the examples. */
export function createRouter(idempotency: Idempotency) {
  const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: ({ ctx }) => ctx.user ?? null });
  return t.router({
    charge: t.procedure
      .input(z.object({ amount: z.number().int() }))
      .use(idempotent({ require: true }))
      .mutation(({ input }) => provider.charge(input.amount)),
  });
}
