import { expect, test } from 'vitest';
import { downstreamKeyOf } from '../server/run/run.ts';

// Literal on purpose: were a run to make another key after an update, a provider would take its retry for a new payment.
test.each([
  [
    'acme',
    'order-1',
    1_767_225_600_000,
    'charge',
    '383949db72edcf256af5e08ac39bce6f210cdbcd7d43bcb803c798dbf7e399c7',
  ],
  ['é "a"', 'ключ', 5, 'ship the order', '774a1700cbb41bd8aaa242f1a259bf7d7171e39a98626fb820a45b0a2d95c61a'],
])(
  'the downstream key of %s, %s, life %i, %s is the one that earlier releases made',
  (scope, key, life, name, made) => {
    expect(downstreamKeyOf({ scope, key, life }, name)).toBe(made);
  },
);

test('a downstream key is of its scope, key, life and name, and of nothing else', () => {
  const held = { scope: 'a', key: 'b', life: 1 };
  const others = [
    { ...held, scope: 'a2' },
    { ...held, key: 'b2' },
    { ...held, life: 2 },
  ];
  const made = [held, ...others, { ...held, scope: 'ab', key: '' }].map((one) =>
    downstreamKeyOf(one, 'charge'),
  );
  expect(new Set([...made, downstreamKeyOf(held, 'ship')]).size).toBe(6);
  const later = { ...held, attempts: 2, fence: 9, owner: 'other' };
  expect(downstreamKeyOf(later, 'charge')).toBe(made[0]);
});
