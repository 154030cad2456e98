import { type DescribedOperation, keyNeedOf } from '../../server/engine/described-operation.ts';
import { isObject } from '../../server/engine/option-checks.ts';
import { whatCame } from '../../server/engine/what-came.ts';
import { rulesOf } from './marks.ts';
import { mutationsOf } from './trpc.ts';

/**
 * Describes the mutations of a router, by their paths and in the router's order. Lazy routers are loaded for it.
 * @throws TypeError for what is no router
 */
export async function describedProcedures(router: unknown): Promise<DescribedOperation[]> {
  if (!isRouter(router)) throw new TypeError(`Expected a tRPC router, got ${whatCame(router)}`);
  const mutations = await mutationsOf(router);
  return mutations.map(([name, { middlewares = [] }]) => {
    const rules = middlewares.map(rulesOf).find((found) => found !== undefined);
    if (!rules) return { name, key: 'none', policy: null };
    const { ofAll, ofOne } = rules.policies;
    const byRequest = (ofAll ?? ofOne) !== undefined;
    return { name, key: keyNeedOf(rules.require), policy: rules.policy.shown, byRequest };
  });
}

function isRouter(value: unknown): value is object {
  const { _def } = (value ?? {}) as { _def?: unknown };
  return isObject(_def) && isObject(_def.procedures);
}
