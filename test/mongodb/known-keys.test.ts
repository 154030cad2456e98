import { expect, it } from 'vitest';
import { KnownKeys } from '../../server/mongodb/known-keys.ts';

const idsUntil = (count: number, from = 0) =>
  Array.from({ length: count - from }, (_, i) => `id-${from + i}`);
const known = (keys: KnownKeys, ids: readonly string[]) => ids.filter((id) => keys.has(id)).length;

it('the last 10,000 ids are remembered, and no more than 20,000', () => {
  const keys = new KnownKeys();
  const ids = idsUntil(100_000);
  for (const [index, id] of ids.entries()) {
    keys.add(id);
    if (index % 9_000 === 0) expect(known(keys, ids)).toBeLessThanOrEqual(20_000);
  }
  expect(known(keys, ids.slice(-10_000))).toBe(10_000);
  expect(known(keys, ids)).toBeLessThanOrEqual(20_000);
});

it('an id that is added again stays, however many others come', () => {
  const keys = new KnownKeys();
  for (const [index, id] of idsUntil(50_000).entries()) {
    if (index % 5_000 === 0) keys.add('hot');
    keys.add(id);
  }
  expect(keys.has('hot')).toBe(true);
});

it('long ids are fewer: their characters are bounded, too', () => {
  const keys = new KnownKeys();
  const ids = idsUntil(10_000).map((id) => id.padEnd(1_300, '-'));
  for (const id of ids) keys.add(id);
  expect(known(keys, ids)).toBeGreaterThan(700);
  expect(known(keys, ids)).toBeLessThanOrEqual(1_600);
});

it('an id that is deleted is forgotten, also where it is of the older generation', () => {
  const keys = new KnownKeys();
  for (const id of ['old', ...idsUntil(10_000), 'new']) keys.add(id);
  for (const id of ['old', 'new']) {
    expect(keys.has(id)).toBe(true);
    keys.delete(id);
    expect(keys.has(id)).toBe(false);
  }
});
