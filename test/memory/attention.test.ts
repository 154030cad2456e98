import { expect, test } from 'vitest';
import { MemoryStore } from '../../server/memory/store.ts';
import { freshClaim } from '../../server/testing/contract/requests.ts';

test.each([
  ['before its lease has lapsed', 0, 0],
  ['once its lease has lapsed', 60_000, 1],
  ['once it has expired, and is forgotten', 3_600_000, 0],
])('a run needs attention by the clock of the store: %s', async (_, afterMs, lapsed) => {
  let now = new Date('2040-01-01');
  const store = new MemoryStore(() => now);
  await store.claim(freshClaim({ leaseMs: 30_000, unresolvedRetentionMs: 600_000 }));
  now = new Date(now.getTime() + afterMs);
  expect(await store.countAttention()).toMatchObject({ lapsed, inDoubt: 0, expired: 0 });
});
