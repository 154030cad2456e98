import type { AnyTRPCRouter } from '@trpc/server';
import { isGuard } from './marks.ts';
import { mutationsOf } from './trpc.ts';

/**
 * Lists the mutations of a router that do not have `idempotent()` in their chain, by their paths and in the router's order: for a test
 * that keeps the list of exceptions short. Nested routers count, and lazy ones are loaded for it. What `require` says is not in it.
 *
 * @example
 * expect(await unprotectedProcedures(appRouter)).toEqual(['setTheme'])
 */
export async function unprotectedProcedures(router: AnyTRPCRouter): Promise<string[]> {
  const mutations = await mutationsOf(router);
  return mutations.flatMap(([path, { middlewares = [] }]) => (middlewares.some(isGuard) ? [] : [path]));
}
