import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timeLimits } from '../../server/mongodb/writes/time-limits.ts';
import { pendingWrite } from './pending-writes.ts';

const MB = 1_048_576;
const lane = { timeoutMs: 5_000, commitsAreSlow: false };

/** One write that the server has stopped so many times. */
function stopped(times: number, options?: { bytes?: number; until?: number }) {
  const pending = pendingWrite('k', options);
  for (let stop = 0; stop < times; stop++) pending.onStopped();
  return pending;
}

describe('a command', () => {
  it.each([
    ['of a store with the default deadline', 5_000, { serverMs: 500, answerMs: 1_004, hangUpAt: 5_500 }],
    ['of a store with a short deadline', 1_000, { serverMs: 250, answerMs: 504, hangUpAt: 1_250 }],
    ['of a store with a long deadline', 60_000, { serverMs: 500, answerMs: 1_004, hangUpAt: 60_500 }],
  ])('%s', (_, timeoutMs, limits) => {
    const group = [pendingWrite('k', { until: timeoutMs })];
    expect(timeLimits({ group, timeouts: 0 }, 0, { ...lane, timeoutMs })).toEqual(limits);
  });

  it('is waited for one ms longer for each 1,000 bytes, as a slow network needs it', () => {
    const group = [pendingWrite('k', { bytes: MB }), pendingWrite('l', { bytes: MB })];
    expect(timeLimits({ group, timeouts: 0 }, 0, lane).answerMs).toBeCloseTo(1_000 + (2 * MB) / 1_000);
  });

  it('gets all the time that is left while majorities take long', () => {
    const group = [pendingWrite('k', { until: 5_000 })];
    expect(timeLimits({ group, timeouts: 0 }, 1_200, { ...lane, commitsAreSlow: true }).serverMs).toBe(3_800);
  });
});

describe('a write that is alone in its command gets twice the time', () => {
  it.each([
    [0, 0, 500],
    [1, 0, 1_000],
    [2, 0, 2_000],
    [3, 0, 4_000],
    [4, 0, 5_000],
  ])('after the server stopped it: %i stops, %i timeouts, %i ms', (stops, timeouts, serverMs) => {
    expect(timeLimits({ group: [stopped(stops)], timeouts }, 0, lane).serverMs).toBe(serverMs);
  });

  it.each([
    [1, 500],
    [4, 500],
    [5, 1_000],
    [6, 2_000],
  ])('after more than four timeouts: %i timeouts, %i ms', (timeouts, serverMs) => {
    expect(timeLimits({ group: [stopped(0)], timeouts }, 0, lane).serverMs).toBe(serverMs);
  });

  it('and not when it shares a command', () => {
    const group = [stopped(3), pendingWrite('l')];
    expect(timeLimits({ group, timeouts: 0 }, 0, lane).serverMs).toBe(500);
  });
});

it('whatever a group is, the server stops first, then the answer is late, then the connection is closed', () => {
  const write = fc.record({
    bytes: fc.integer({ min: 0, max: 16 * MB }),
    until: fc.integer({ min: 0, max: 300_000 }),
    stops: fc.nat(20),
  });
  const cases = fc.record({
    writes: fc.array(write, { minLength: 1, maxLength: 5 }),
    timeouts: fc.nat(60),
    sentAt: fc.integer({ min: 0, max: 300_000 }),
    timeoutMs: fc.integer({ min: 100, max: 300_000 }),
    commitsAreSlow: fc.boolean(),
  });
  fc.assert(
    fc.property(cases, ({ writes, timeouts, sentAt, timeoutMs, commitsAreSlow }) => {
      const group = writes.map(({ stops, ...options }) => stopped(stops, options));
      const until = Math.max(...writes.map((one) => one.until));
      const limits = timeLimits({ group, timeouts }, sentAt, { timeoutMs, commitsAreSlow });
      expect(Number.isInteger(limits.serverMs)).toBe(true);
      expect(limits.serverMs).toBeGreaterThanOrEqual(1);
      expect(limits.answerMs).toBeGreaterThanOrEqual(limits.serverMs);
      expect(limits.answerMs).toBeLessThanOrEqual(Math.max(1, until - sentAt));
      expect(limits.hangUpAt).toBeGreaterThan(until);
    }),
  );
});
