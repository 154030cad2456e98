import { TRPCError } from '@trpc/server';

/**
 * Refuses to show what belongs to another life of a key than the page saw, its body say: in another life the record
 * is about another request.
 * @param asked as the page saw it; undefined where the record does not say which life it is in
 * @throws TRPCError CONFLICT when the record is in another life by now
 */
export function requireLife(found: string, asked: string | undefined): void {
  if (asked === undefined || asked === found) return;
  const message = 'This key began a new life: what you asked for is gone. Look at the key again.';
  throw new TRPCError({ code: 'CONFLICT', message });
}
