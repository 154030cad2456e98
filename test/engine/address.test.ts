import fc from 'fast-check';
import { expect, test } from 'vitest';
import { idOf } from '../../server/engine/address.ts';

test('two addresses have one id only where they are the same', () => {
  const text = fc.string({ unit: fc.constantFrom('1', ':', 'a'), maxLength: 3 });
  const address = fc.record({ scope: text, key: text });
  fc.assert(
    fc.property(address, address, (one, other) => {
      expect(idOf(one) === idOf(other)).toBe(one.scope === other.scope && one.key === other.key);
    }),
    { numRuns: 1_000 },
  );
});
