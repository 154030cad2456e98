// What a module of a user exports. `scripts/check-declarations.ts` has its declarations printed, as a library or a monorepo does: each type
// in them needs a name that the package exports, or else it is TS2742 or TS2883.
import { initTRPC } from '@trpc/server';
import { createIdempotency } from 'latchkey';
import { createGraphQLRerunner, type GraphQLRerunnerOptions } from 'latchkey/graphql';
import { createHttpRerunner, type HttpRerunnerOptions } from 'latchkey/http';
import { createMemoryStore } from 'latchkey/memory';
import { createTestkit, retryAudit } from 'latchkey/testing';
import {
  createIdempotencyMiddleware,
  createKeyStatusProcedure,
  createTRPCRerunner,
  idempotencyErrorFormatter,
  unprotectedProcedures,
} from 'latchkey/trpc';

export const idempotency = createIdempotency({ store: createMemoryStore() });

interface Context {
  readonly user: string | null;
}

const t = initTRPC.context<Context>().create({ errorFormatter: idempotencyErrorFormatter });
export const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: ({ ctx }) => ctx.user });
export const strict = createIdempotencyMiddleware(t, { idempotency, scope: () => 'global', require: true });
export const { resolverStarts } = idempotent;
export const guard = idempotent({ key: ({ clientKey, ctx }) => clientKey ?? ctx.user });
export const base = t.procedure.use(idempotent());
export const marked = t.procedure.use(strict()).concat(idempotent.resolverStarts);
export const pay = marked.mutation(({ ctx }) => ctx.idempotency.downstreamKey('charge'));
export const run = marked.mutation(({ ctx }) => ctx.idempotency);
export const keyStatus = createKeyStatusProcedure(t, { idempotency, scope: ({ ctx }) => ctx.user });
export const appRouter = t.router({ pay, run, keyStatus });
export const rerunner = createTRPCRerunner({ router: appRouter, actAs: () => null });
export const unprotected = unprotectedProcedures(appRouter);

declare const ofGraphQL: GraphQLRerunnerOptions;
declare const ofHttp: HttpRerunnerOptions;
export const rerunners = [rerunner, createGraphQLRerunner(ofGraphQL), createHttpRerunner(ofHttp)] as const;

export const kit = createTestkit();
export const records = () => kit.records();
export const report = retryAudit(async () => 1, [{ name: 'pay', input: {}, effects: () => 1 }], { kit });
