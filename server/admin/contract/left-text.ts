import type { LeftOut } from './job.ts';

/** Says what is missing in an export or a plan: a blank and a sentence, or nothing. */
export function leftText(left: LeftOut | null): string {
  if (left === null) return '';
  const before =
    left.before === null
      ? ''
      : ` Keys made before ${new Date(left.before).toISOString()} were not looked at.`;
  return left.why === 'full' ? ` It is full: more keys may match.${before}` : before;
}
