import { expect, test } from 'vitest';
import { matchOf } from '../../server/engine/match-of.ts';

const [same, changed] = ['s1:aaaa', 's1:bbbb'] as const;
const byVersion = 's1 by v1:cccc';

test.each([
  ['equal', [same], same],
  ['different', [same], changed],
  ['unknown rule', [same], byVersion],
  ['equal', [same, byVersion], byVersion],
  ['different', [same, 's1 by v1:dddd'], byVersion],
] as const)('is %s: a call of %j and a record of %s', async (match, fingerprints, fingerprint) => {
  expect(await matchOf({ fingerprints }, { fingerprint, operation: 'pay' })).toBe(match);
});

test.each([
  ['equal', byVersion],
  ['different', 's1 by v1:dddd'],
  ['unknown rule', undefined],
] as const)(
  'is %s: a record by another rule, and a call whose fingerprint by that rule is %s',
  async (match, learnt) => {
    const asked: unknown[] = [];
    const fingerprintBy = async (...rule: string[]) => {
      asked.push(rule);
      return learnt;
    };
    const record = { fingerprint: byVersion, operation: 'pay' };
    expect(await matchOf({ fingerprints: [same], fingerprintBy }, record)).toBe(match);
    expect(asked).toEqual([['s1 by v1', 'pay']]);
  },
);

test('a rule that the call knows is not asked for', async () => {
  const fingerprintBy = async () => expect.unreachable();
  for (const fingerprint of [same, changed])
    await matchOf({ fingerprints: [same], fingerprintBy }, { fingerprint, operation: 'pay' });
});
