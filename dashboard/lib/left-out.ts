import type { LeftOut } from '../../server/admin/contract/job.ts';
import { formatUtc } from './format.ts';

/** Says what a plan or an export did not look at, in words; empty when it looked at all. */
export function leftOutText(left: LeftOut | null, what: 'plan' | 'export'): string {
  if (left === null) return '';
  const before =
    left.before === null ? '' : ` Keys made before ${formatUtc(left.before)} were not looked at.`;
  return left.why === 'full'
    ? `This is the most that one ${what} holds: more keys may match.${before}`
    : `${before.trim()} No index finds what this filter asks for: add a scope to look at all of its keys.`;
}
