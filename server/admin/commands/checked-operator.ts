import { isObject } from '../../engine/option-checks.ts';
import { whatCame } from '../../engine/what-came.ts';
import type { Operator, Role } from '../contract/contract.ts';

const ROLES: readonly Role[] = ['viewer', 'operator', 'admin'];

/**
 * Checks what `authorize` gave: a developer's mistake must not let anybody in.
 * @throws TypeError
 */
export function checkedOperator(operator: Operator): Operator {
  const { id, role, scopes } = operator ?? {};
  if (!isObject(operator) || typeof id !== 'string' || id === '') {
    throw new TypeError(
      `Expected \`authorize\` to return who is asking, such as { id: 'ada', role: 'admin' }, or null for nobody, got ${whatCame(operator)}${isObject(operator) ? ` whose \`id\` is ${whatCame(id)}` : ''}`,
    );
  }
  if (!ROLES.includes(role))
    throw new TypeError(
      `Expected the \`role\` that \`authorize\` returns to be ${ROLES.join(' or ')}, got ${whatCame(role)}`,
    );
  if (scopes !== undefined && !(Array.isArray(scopes) && scopes.every((scope) => typeof scope === 'string')))
    throw new TypeError(
      `Expected the \`scopes\` that \`authorize\` returns to be an array of scopes, got ${whatCame(scopes)}`,
    );
  return { id, role, ...(scopes && { scopes }) };
}
