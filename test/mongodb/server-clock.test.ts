import fc from 'fast-check';
import { Timestamp } from 'mongodb';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  type ClockBounds,
  type ServerTimes,
  timesAt,
  withReading,
} from '../../server/mongodb/clock-bounds.ts';
import { logicalMs, ServerClock } from '../../server/mongodb/server-clock.ts';

const EPOCH = 1_767_225_600_000;

/** The server's clock as it really is: `ahead` of the process's, drifting, and set forward or back by `step` at a time. */
interface TrueClock {
  readonly ahead: number;
  readonly ppm: number;
}
const trueTime = ({ ahead, ppm }: TrueClock, at: number) => EPOCH + ahead + at * (1 + ppm / 1e6);

const clocks = fc.record({
  ahead: fc.double({ min: -1e7, max: 1e7, noNaN: true }),
  ppm: fc.integer({ min: -900, max: 900 }),
});
const readings = fc.array(
  fc.record({
    after: fc.double({ min: 0, max: 100_000, noNaN: true }),
    there: fc.double({ min: 0, max: 2_000, noNaN: true }),
    back: fc.double({ min: 0, max: 2_000, noNaN: true }),
  }),
  { minLength: 1, maxLength: 8 },
);
type Readings = typeof readings extends fc.Arbitrary<infer T> ? T : never;

function read(clock: TrueClock, list: Readings, known?: ClockBounds, from = 0) {
  let bounds = known;
  let at = from;
  for (const { after, there, back } of list) {
    const sentAt = at + after;
    const serverTime = Math.floor(trueTime(clock, sentAt + there));
    at = sentAt + there + back;
    bounds = withReading(bounds, { sentAt, receivedAt: at, serverTime });
  }
  return { bounds: bounds as ClockBounds, at };
}

describe('the bounds of the server’s clock', () => {
  it('hold its time, whatever the way of each reading, and however the clocks drift', () => {
    fc.assert(
      fc.property(clocks, readings, fc.double({ min: 0, max: 1e6, noNaN: true }), (clock, list, later) => {
        const { bounds, at } = read(clock, list);
        const { earliest, latest } = timesAt(bounds, at + later);
        const time = trueTime(clock, at + later);
        expect(earliest).toBeLessThanOrEqual(time);
        expect(latest).toBeGreaterThanOrEqual(time);
      }),
    );
  });

  it('are never wider than those of the last reading alone', () => {
    fc.assert(
      fc.property(clocks, readings, (clock, list) => {
        const { bounds, at } = read(clock, list);
        const { there, back } = list.at(-1) as Readings[number];
        expect(bounds.at).toBe(at);
        expect(bounds.highest - bounds.lowest).toBeLessThanOrEqual((there + back) * 1.002 + 1.001);
      }),
    );
  });

  it('are wrong, after the clock was set, by no more than the way of the first reading since', () => {
    const steps = fc.double({ min: -4e6, max: 4e6, noNaN: true });
    fc.assert(
      fc.property(clocks, readings, readings, steps, (clock, before, [since], step) => {
        const first = read(clock, before);
        const stepped = { ...clock, ahead: clock.ahead + step };
        const { bounds, at } = read(stepped, [since as Readings[number]], first.bounds, first.at);
        const { earliest, latest } = timesAt(bounds, at);
        const wayMs = (since as Readings[number]).there + (since as Readings[number]).back + 10;
        expect(earliest - trueTime(stepped, at)).toBeLessThanOrEqual(wayMs);
        expect(trueTime(stepped, at) - latest).toBeLessThanOrEqual(wayMs);
      }),
    );
  });

  it.each([5_000, -5_000, 3_600_000, -3_600_000])(
    'are those of the new time once it is read, after a step of %i ms',
    (step) => {
      const known = withReading(undefined, { sentAt: 0, receivedAt: 4, serverTime: EPOCH });
      const now = withReading(known, { sentAt: 100, receivedAt: 102, serverTime: EPOCH + 101 + step });
      expect(timesAt(now, 102)).toEqual({ earliest: EPOCH + 100 + step, latest: EPOCH + 105 + step });
    },
  );
});

describe('the server’s clock, as a store knows it', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: EPOCH });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** A clock whose server answers `hello` at once, with its own time and what else is given. */
  function open(reply: object = {}) {
    const asked: number[] = [];
    const server = { aheadMs: 0, answers: true };
    const clock = new ServerClock(async () => {
      asked.push(performance.now());
      if (!server.answers) throw new Error('no server');
      return { localTime: new Date(Date.now() + server.aheadMs), ...reply };
    });
    const known = async () => {
      clock.times();
      await vi.advanceTimersByTimeAsync(0);
      return clock.times();
    };
    return { clock, server, asked, known };
  }

  /** The clock of this process is the server's: it lies within these times. */
  const isNow = (times: ServerTimes | undefined) => {
    expect(times?.earliest).toBeLessThanOrEqual(Date.now());
    expect(times?.latest).toBeGreaterThan(Date.now());
  };

  it('is asked for by the first question, which has no answer yet', async () => {
    const { clock, asked, known } = open();
    expect(asked).toHaveLength(0);
    expect(clock.times()).toBeUndefined();
    expect(await known()).toEqual({ earliest: EPOCH, latest: EPOCH + 1 });
    expect(asked).toHaveLength(1);
  });

  it('is asked again after a minute of use, and never while nobody wants it', async () => {
    const { clock, asked, known } = open();
    await known();
    await vi.advanceTimersByTimeAsync(59_000);
    isNow(clock.times());
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2_000);
    isNow(clock.times());
    expect(asked).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(asked).toHaveLength(2);
    expect(clock.times()).toBeUndefined();
    expect(asked).toHaveLength(3);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('needs no `hello` while replies carry the time', async () => {
    const { clock, asked } = open();
    for (let minutes = 0; minutes < 5; minutes++) {
      clock.noteReading(performance.now(), new Date());
      await vi.advanceTimersByTimeAsync(59_000);
      isNow(clock.times());
    }
    expect(asked).toHaveLength(0);
  });

  it('is not known where `hello` fails, and not asked for at each question', async () => {
    const { clock, server, asked, known } = open();
    server.answers = false;
    for (let i = 0; i < 100; i++) expect(await known()).toBeUndefined();
    expect(asked).toHaveLength(1);
    server.answers = true;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(clock.times()).toBeUndefined();
    isNow(await known());
  });

  it.each([
    ['no localTime', { localTime: undefined }],
    ['a localTime that is no date', { localTime: 'noon' }],
    ['a localTime that JavaScript has no date for', { localTime: new Date(Number.NaN) }],
    ['a mongos, behind which are several clocks', { msg: 'isdbgrid' }],
  ])('is not known to a server with %s', async (_, reply) => {
    const { known } = open(reply);
    expect(await known()).toBeUndefined();
    expect(await known()).toBeUndefined();
  });

  const seconds = (ms: number) => new Timestamp({ t: ms / 1_000, i: 7 });

  it('is not known from a reply on whose second shows that it was set forward, until it is read again', async () => {
    const { clock, server, known } = open();
    await known();
    server.aheadMs = 5_000;
    clock.noteOperationTime(seconds(EPOCH));
    isNow(clock.times());
    clock.noteOperationTime(seconds(EPOCH + 5_000));
    expect(clock.times()).toBeUndefined();
    expect(await known()).toEqual({ earliest: EPOCH + 5_000, latest: EPOCH + 5_001 });
  });

  it('is not known, after it was set back, for as long as the logical clock is ahead of it', async () => {
    const { clock, server, known } = open();
    await known();
    clock.noteOperationTime(seconds(EPOCH));
    server.aheadMs = -7_000;
    clock.noteReading(performance.now(), new Date(EPOCH - 7_000));
    expect(clock.times()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(6_000);
    expect(await known()).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(clock.times()).toEqual({ earliest: expect.any(Number), latest: expect.any(Number) });
  });
});

describe('a server is far away by', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: EPOCH });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const localTime = new Date(EPOCH);
  /** The time in ms that an answer took, and the member that gave it. */
  const far = [11, 20, 400, 30, 15].map((ms) => ({ ms, me: 'a' }));

  it.each([
    ['five answers, none of them quick', far, true],
    ['four answers, as of a process that has just started', far.slice(1), false],
    ['a quick answer before, as of a server that is busy now', [{ ms: 10, me: 'a' }, ...far], false],
    ['a quick answer after that', [...far, { ms: 10, me: 'a' }], false],
    ['slow answers of a new primary, after quick ones', [{ ms: 1, me: 'b' }, ...far], true],
    ['one answer of a new primary, after slow ones', [...far, { ms: 11, me: 'b' }], false],
  ])('%s', async (_, answers, isFar) => {
    const clock = new ServerClock(async () => ({}));
    for (const { ms, me } of answers) {
      const sentAt = performance.now();
      await vi.advanceTimersByTimeAsync(ms);
      clock.noteHello(sentAt, { localTime, me });
    }
    expect(clock.isFar).toBe(isFar);
  });
});

describe('the second of a logical time', () => {
  it.each([
    ['of any copy of the driver', { getHighBits: (): number => 1_767_225_600 }, EPOCH],
    ['of this driver', new Timestamp({ t: 1_767_225_600, i: 3 }), EPOCH],
    ['after 2038', new Timestamp({ t: 4_000_000_000, i: 1 }), 4_000_000_000_000],
    ['where there is none', undefined, 0],
    ['that is a number', 7, 0],
    ['that is null', null, 0],
  ])('%s', (_, operationTime, ms) => {
    expect(logicalMs(operationTime)).toBe(ms);
  });
});
