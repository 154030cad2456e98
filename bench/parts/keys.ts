import { bySize } from '../scale/by-size.ts';
import type { Part } from './part.ts';

/** Time-ordered keys (UUID version 7) beside random ones (version 4), in a collection that holds many. */
export const keysPart: Part = async ({ database, rounds, keys }) => {
  const seven = await bySize({ database, rounds, version: 7, sizes: [keys] });
  const four = await bySize({ database, rounds, version: 4, sizes: [keys] });
  const rows = [...seven, ...four].map(({ 'cost beside the fewest keys': _, ...row }) => row);
  return [{ name: 'keys', title: 'Time-ordered keys beside random ones, the store alone, 64 callers', rows }];
};
