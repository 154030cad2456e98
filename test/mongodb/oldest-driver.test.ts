import { describe, expect, it, vi } from 'vitest';

// For this file and all that it imports, `mongodb` is the first version of our peer range.
vi.mock('mongodb', () => import('mongodb6-oldest'));

it('these tests have the oldest driver that our peer range allows', async () => {
  const [{ default: ours }, { default: its }] = await Promise.all([
    import('../../package.json', { with: { type: 'json' } }),
    import('mongodb6-oldest/package.json' as string, { with: { type: 'json' } }),
  ]);
  expect(ours.peerDependencies.mongodb).toMatch(new RegExp(`^\\^${its.version} `));
});

// It reports a command that ran out of time in another way than its successors do.
describe('over the oldest driver', async () => {
  await import('./locked-record.test.ts');
});
