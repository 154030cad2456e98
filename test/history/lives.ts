import type { Fields, KeyHistory } from './history.ts';

export const UNKNOWN_LIFE = 'no life';

export const isRunning = (fields: Fields | null): fields is Fields => fields?.state === 'running';

/** Says which life of its key a fencing token belonged to at a time. */
export type LifeOf = (token: { readonly fence: unknown }, at: number) => string;

/**
 * Reads the lives of a key from the changes of its record: one begins where there is no record, or where it has expired. Where clocks
 * differ and results are kept for seconds, a later life may have a token that an earlier one had.
 */
export function livesOf({ written }: KeyHistory): LifeOf {
  const claims = new Map<unknown, { from: number; life: string }[]>();
  let life = 0;
  for (const { before, after, from } of written) {
    if (!after) continue;
    if (before === null || before.life !== after.life) life++;
    if (isRunning(after))
      claims.set(after.fence, [...(claims.get(after.fence) ?? []), { from, life: `life ${life}` }]);
  }
  return ({ fence }, at) => claims.get(fence)?.findLast((claim) => claim.from <= at)?.life ?? UNKNOWN_LIFE;
}
