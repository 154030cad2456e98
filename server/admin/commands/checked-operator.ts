import { isObject } from '../../engine/option-checks.ts';
import { whatCame } from '../../engine/what-came.ts';
import type { Operator, OperatorScopes, Role } from '../contract/operator.ts';

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
  return { id, role, ...(scopes !== undefined && { scopes: checkedScopes(scopes) }) };
}

function checkedScopes(scopes: OperatorScopes): OperatorScopes {
  if (Array.isArray(scopes) && scopes.every((scope) => typeof scope === 'string')) return scopes;
  const { under, ...rest } = (isObject(scopes) ? scopes : {}) as { readonly under?: unknown };
  // A slash at the end would leave out the tenant's own scope, and an empty text would be every scope that begins with a slash.
  const isScope = typeof under === 'string' && under !== '' && !under.endsWith('/');
  if (isScope && Object.keys(rest).length === 0) return { under };
  throw new TypeError(
    `Expected the \`scopes\` that \`authorize\` returns to be an array of scopes, or one with all below it, such as { under: 'org_1' }, without a slash at the end, got ${cameAs(scopes)}`,
  );
}

function cameAs(scopes: unknown): string {
  if (!isObject(scopes) || Array.isArray(scopes)) return whatCame(scopes);
  return `an object with ${
    Object.entries(scopes)
      .map(([name, value]) => `\`${name}\` ${whatCame(value)}`)
      .join(', ') || 'nothing in it'
  }`;
}
