import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Turns } from '../../server/mongodb/turns.ts';
import { gate } from '../support/gate.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function openTurns() {
  const turns = new Turns();
  const started: string[] = [];
  const settled = async () => {
    for (let i = 0; i < 3; i++) await nextTurn();
    return started.splice(0).join(' ');
  };
  /** Work that ends when its gate is opened. */
  const take = (names: string) => {
    const done = gate<void>();
    const all = names.split(' ').map((name) =>
      turns.take(() => {
        started.push(name);
        return done;
      }),
    );
    return { end: () => done.open(undefined), all };
  };
  return { take, settled, turns };
}

it('callers of one moment start together, and those that come while these are at it start after them', async () => {
  const { take, settled } = openTurns();
  const first = take('a b c');
  expect(await settled()).toBe('a b c');
  take('d');
  take('e');
  expect(await settled()).toBe('');
  first.end();
  expect(await settled()).toBe('d e');
});

it('callers that come in one turn of the event loop start together, though Node.js tells of each by itself', async () => {
  const { take, settled } = openTurns();
  for (const name of ['a', 'b', 'c']) void nextTurn().then(() => take(name));
  await nextTurn();
  expect(await settled()).toBe('a b c');
});

it('as many as the last turn had start beside it, and no third turn does', async () => {
  const { take, settled } = openTurns();
  take('a b');
  expect(await settled()).toBe('a b');
  take('c d');
  expect(await settled()).toBe('c d');
  take('e f g');
  expect(await settled()).toBe('');
  vi.advanceTimersByTime(60_000);
  expect(await settled()).toBe('');
});

it('a turn that is slow holds nobody up for longer than 25 ms', async () => {
  const { take, settled } = openTurns();
  take('a b');
  await settled();
  take('c');
  await settled();
  vi.advanceTimersByTime(24);
  expect(await settled()).toBe('');
  vi.advanceTimersByTime(1);
  expect(await settled()).toBe('c');
});

it('at most 200 share a turn', async () => {
  const { take, settled } = openTurns();
  const many = Array.from({ length: 450 }, (_, i) => String(i)).join(' ');
  take(many);
  expect((await settled()).split(' ')).toHaveLength(400);
});

it('work that fails ends its turn, and rejects for its own caller only', async () => {
  const { turns, take, settled } = openTurns();
  const failed = expect(turns.take(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  const other = turns.take(async () => 'fine');
  await failed;
  expect(await other).toBe('fine');
  take('next');
  expect(await settled()).toBe('next');
});
