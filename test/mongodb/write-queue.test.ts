import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { refusal } from '../../server/engine/errors.ts';
import { afterFailure, afterTimeout, type NextStep } from '../../server/mongodb/writes/next-step.ts';
import type { PendingWrite } from '../../server/mongodb/writes/pending-write.ts';
import { type Command, partsOf, WriteQueue } from '../../server/mongodb/writes/write-queue.ts';
import { acknowledgement, pendingWrite } from './pending-writes.ts';

const MB = 1_048_576;
const LIMITS = { shared: 2, suspects: 8, alone: 8 };

/** A queue with a clock that stands still, and what a lane does with its commands. */
function openQueue({ capacity = 5_000 } = {}) {
  const clock = { now: 0 };
  const queue = new WriteQueue({
    inFlight: LIMITS.shared,
    capacity,
    now: () => clock.now,
    onReady: () => {},
  });
  /** These commands take a slot. */
  const inFlight = new Set<Command>();
  /** These commands got no answer in time, and have not ended. */
  const unanswered = new Set<Command>();

  const carryOut = (step: NextStep, group: readonly PendingWrite[]) => {
    switch (step.do) {
      case 'again':
      case 'again_later':
        return queue.addAgain(group);
      case 'split':
        return queue.addParts(group);
      case 'isolate':
        for (const pending of group) queue.isolate(pending, step.because);
        return;
      case 'fail':
        throw step.error;
      default:
        return step satisfies never;
    }
  };
  const open = ({ group }: Command) => group.filter(({ isDone }) => !isDone);

  return {
    clock,
    queue,
    inFlight,
    unanswered,
    add(ids: readonly string[], options?: { bytes?: number; alone?: boolean }) {
      return ids.map((id) => {
        const pending = pendingWrite(id, options);
        queue.add(pending, options);
        return pending;
      });
    },
    /** Takes all commands that may be sent now. */
    send(): Command[] {
      const sent: Command[] = [];
      for (let command = queue.next(); command; command = queue.next()) {
        sent.push(command);
        inFlight.add(command);
      }
      return sent;
    },
    end(command: Command) {
      inFlight.delete(command);
      unanswered.delete(command);
      queue.onEnd(command);
    },
    reply(command: Command) {
      for (const pending of open(command)) {
        queue.unblock(pending);
        pending.acknowledge(acknowledgement);
      }
      this.end(command);
    },
    fail(command: Command, failure: 'held' | 'lost' | 'not_durable') {
      const group = open(command);
      if (inFlight.has(command) && group.length > 0)
        carryOut(afterFailure(failure, new Error('no'), group.length), group);
      this.end(command);
    },
    timeOut(command: Command) {
      inFlight.delete(command);
      unanswered.add(command);
      queue.onTimeout(command);
      const group = open(command);
      if (group.length > 0) carryOut(afterTimeout(group.length), group);
    },
    expire(late: readonly PendingWrite[]) {
      for (const pending of late) {
        pending.fail(refusal('IDEMPOTENCY_STORE_UNAVAILABLE', 'timeout'));
        queue.startNextAfter(pending);
      }
      queue.dropDone();
    },
  };
}

const idsOf = (commands: readonly Command[]) =>
  commands.map(({ slot, group }) => `${slot}: ${group.map(({ write }) => write.id).join(' ')}`);

const keys = (count: number) => Array.from({ length: count }, (_, index) => `k${index}`);

/** A queue in which the key `k` is blocked: one write of it is on its way, alone. */
function openBlocked() {
  const lane = openQueue();
  const [first] = lane.add(['k']) as [PendingWrite];
  const [command] = lane.send() as [Command];
  lane.fail(command, 'held');
  const [alone] = lane.send() as [Command];
  return { ...lane, first, alone };
}

describe('writes that nothing is known against', () => {
  it('share a command, in the order in which they came', () => {
    const lane = openQueue();
    lane.add(['a', 'b', 'c']);
    expect(idsOf(lane.send())).toEqual(['shared: a b c']);
    expect(lane.send()).toEqual([]);
  });

  it('come at most 200 in a command, and wait for a free slot', () => {
    const lane = openQueue();
    lane.add(keys(500));
    const sent = lane.send();
    expect(sent.map(({ group }) => group.length)).toEqual([200, 200]);
    lane.add(['last']);
    lane.clock.now = 25;
    expect(lane.send()).toEqual([]);
    lane.reply(sent[0] as Command);
    expect(lane.send().map(({ group }) => group.length)).toEqual([101]);
  });

  it('wait for the command under way while they are fewer than it has, and until it is slow', () => {
    const lane = openQueue();
    lane.add(['a', 'b', 'c']);
    const [first] = lane.send();
    lane.add(['d', 'e']);
    lane.clock.now = 10;
    expect(lane.send()).toEqual([]);
    expect(lane.queue.sharedPauseMs).toBe(15);
    lane.clock.now = 25;
    expect(idsOf(lane.send())).toEqual(['shared: d e']);
    expect(lane.queue.sharedPauseMs).toBe(Number.POSITIVE_INFINITY);
    lane.add(['f']);
    lane.reply(first as Command);
    lane.clock.now = 49;
    expect(lane.queue.sharedPauseMs).toBe(1);
  });

  it('are sent as soon as the command under way has its answer, or none in time', () => {
    for (const end of ['reply', 'timeOut'] as const) {
      const lane = openQueue();
      lane.add(['a', 'b']);
      const [first] = lane.send();
      lane.add(['c']);
      expect(lane.send()).toEqual([]);
      lane[end](first as Command);
      expect(idsOf(lane.send())).toContain('shared: c');
    }
  });

  it('come at most 8 MB in a command; a larger one goes by itself', () => {
    const lane = openQueue();
    for (const [index, bytes] of [3 * MB, 5 * MB, 1, 12 * MB].entries()) lane.add([`k${index}`], { bytes });
    const [first, second] = lane.send();
    lane.reply(first as Command);
    expect(idsOf([first as Command, second as Command, ...lane.send()])).toEqual([
      'shared: k0 k1',
      'shared: k2',
      'shared: k3',
    ]);
  });

  it('are not sent once their time is over', () => {
    const lane = openQueue();
    const [late] = lane.add(['late', 'b']) as [PendingWrite];
    lane.expire([late]);
    expect(idsOf(lane.send())).toEqual(['shared: b']);
  });
});

describe('a blocked key', () => {
  it('is found in two steps: a command of 200, then parts of 14, then one', () => {
    const lane = openQueue();
    lane.add(keys(200));
    lane.fail(lane.send()[0] as Command, 'held');
    const parts = lane.send();
    expect(parts.map(({ slot, group }) => [slot, group.length])).toEqual(Array(8).fill(['suspects', 14]));
    lane.fail(parts[0] as Command, 'held');
    for (const part of parts.slice(1)) lane.reply(part);
    const rest = lane.send();
    expect(rest.map(({ group }) => group.length)).toEqual([14, 14, 14, 14, 14, 14, 4, 1]);
  });

  it('holds up no other key', () => {
    const lane = openBlocked();
    lane.add(['a', 'b']);
    expect(idsOf(lane.send())).toEqual(['shared: a b']);
  });

  it('costs one command at a time: its other writes wait', () => {
    const lane = openBlocked();
    lane.add(['k', 'k', 'k']);
    expect(lane.send()).toEqual([]);
    lane.fail(lane.alone, 'held');
    expect(lane.send()).toMatchObject([{ slot: 'alone', group: [lane.first] }]);
  });

  it('is free once the server answers about it: its writes then share a command', () => {
    const lane = openBlocked();
    lane.add(['k', 'k']);
    lane.reply(lane.alone);
    lane.add(['a']);
    expect(idsOf(lane.send())).toEqual(['shared: k k a']);
  });

  it('has one command on its way, though the server answers about a write that was sent before', () => {
    const lane = openQueue();
    lane.add(['k']);
    const [before] = lane.send() as [Command];
    lane.add(['k'], { alone: true });
    const [alone] = lane.send() as [Command];
    lane.add(['k'], { alone: true });
    lane.reply(before);
    lane.add(['k'], { alone: true });
    expect(lane.send()).toEqual([]);
    lane.reply(alone);
    expect(idsOf(lane.send())).toEqual(['shared: k k']);
  });

  it('sends its next write when the time of the one before is over', () => {
    const lane = openBlocked();
    const [second, third] = lane.add(['k', 'k']) as [PendingWrite, PendingWrite];
    lane.expire([lane.first, second]);
    expect(lane.send()).toMatchObject([{ slot: 'alone', group: [third] }]);
  });

  it.each([
    [9_999, 'alone: k'],
    [10_001, 'shared: k a'],
  ])('with no write under way is remembered for 10 s: %i ms later, %s', (ms, sent) => {
    const lane = openBlocked();
    lane.expire([lane.first]);
    lane.clock.now += ms;
    lane.add(['k', 'a']);
    expect(idsOf(lane.send())[0]).toBe(sent);
  });

  it('tells each of its commands how many before it got no answer', () => {
    const lane = openQueue();
    lane.add(['k']);
    const timeouts: number[] = [];
    for (let copy = 0; copy < 4; copy++) {
      const [command] = lane.send() as [Command];
      timeouts.push(command.timeouts);
      lane.timeOut(command);
    }
    expect(timeouts).toEqual([0, 1, 2, 3]);
  });
});

describe('commands without an answer', () => {
  /** 48 of them. */
  function openUnresponsive(capacity: number) {
    const lane = openQueue({ capacity });
    lane.add(['k']);
    while (lane.unanswered.size < 48) lane.timeOut(lane.send()[0] as Command);
    return lane;
  }

  it('take no slot, until they are too many; then nothing is sent until one has ended', () => {
    const lane = openUnresponsive(5_000);
    expect(lane.queue.isUnresponsive).toBe(true);
    lane.add(['a']);
    expect(lane.send()).toEqual([]);
    lane.end([...lane.unanswered][0] as Command);
    expect(idsOf(lane.send())).toEqual(['alone: k', 'shared: a']);
  });

  it.each([
    ['new writes are refused', 5_000, 'unresponsive'],
    ['a queue without a limit refuses none', Number.POSITIVE_INFINITY, undefined],
  ])('%s', (_, capacity, reason) => {
    expect(openUnresponsive(capacity).queue.refusalReason).toBe(reason);
  });
});

it('a queue is full when as many writes wait as it may hold', () => {
  const lane = openQueue({ capacity: 2 });
  lane.add(['a']);
  expect(lane.queue.refusalReason).toBeUndefined();
  lane.add(['b']);
  expect(lane.queue.refusalReason).toBe('overloaded');
  lane.send();
  expect(lane.queue.refusalReason).toBeUndefined();
});

it('parts hold each write once, in its order, and become single writes in two steps', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 200 }), (group) => {
      const parts = partsOf(group);
      expect(parts.flat()).toEqual(group);
      const single = parts.flatMap((part) => partsOf(part));
      expect(Math.max(...single.map(({ length }) => length))).toBe(1);
      expect(parts.length).toBeLessThanOrEqual(17);
    }),
  );
});

describe('whatever happens to commands', () => {
  const nth = fc.nat(1_000);
  const event = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ is: fc.constant('add' as const), key: fc.nat(6), alone: fc.boolean() }),
    },
    { weight: 1, arbitrary: fc.record({ is: fc.constant('add many' as const), count: fc.nat(60) }) },
    { weight: 4, arbitrary: fc.record({ is: fc.constantFrom('reply', 'held', 'lost', 'not_durable'), nth }) },
    { weight: 4, arbitrary: fc.record({ is: fc.constantFrom('time out', 'late reply', 'ends'), nth }) },
    { weight: 1, arbitrary: fc.record({ is: fc.constant('expires' as const), nth }) },
    { weight: 1, arbitrary: fc.record({ is: fc.constant('time passes' as const), ms: fc.nat(20_000) }) },
  );
  type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

  /** Sends what may be sent, and checks what holds at any time. */
  function sendAndCheck(lane: ReturnType<typeof openQueue>) {
    const sent = lane.send().flatMap(({ group }) => group);
    expect(sent.some(({ isDone }) => isDone)).toBe(false);
    for (const slot of ['shared', 'suspects', 'alone'] as const) {
      const commands = [...lane.inFlight].filter((command) => command.slot === slot);
      expect(commands.length).toBeLessThanOrEqual(LIMITS[slot]);
    }
    const copies = [...lane.inFlight].flatMap(({ group }) => group.filter(({ isDone }) => !isDone));
    expect(new Set(copies).size).toBe(copies.length);
    const alone = [...lane.inFlight].filter(({ slot, group }) => slot === 'alone' && !group[0]?.isDone);
    expect(new Set(alone.map(({ group }) => group[0]?.write.id)).size).toBe(alone.length);
  }

  function happen(lane: ReturnType<typeof openQueue>, writes: PendingWrite[], event: Event) {
    const one = <T>(of: Iterable<T>, nth: number): T | undefined => {
      const all = [...of];
      return all[nth % all.length];
    };
    switch (event.is) {
      case 'add':
        writes.push(...lane.add([`k${event.key}`], { alone: event.alone }));
        return;
      case 'add many':
        writes.push(...lane.add(keys(event.count)));
        return;
      case 'expires': {
        const late = one(
          writes.filter(({ isDone }) => !isDone),
          event.nth,
        );
        if (late) lane.expire([late]);
        return;
      }
      case 'time passes':
        lane.clock.now += event.ms;
        return;
      case 'late reply':
      case 'ends': {
        const command = one(lane.unanswered, event.nth);
        if (command) event.is === 'ends' ? lane.end(command) : lane.reply(command);
        return;
      }
      default: {
        const command = one(lane.inFlight, event.nth);
        if (!command) return;
        if (event.is === 'reply') lane.reply(command);
        else if (event.is === 'time out') lane.timeOut(command);
        else lane.fail(command, event.is);
      }
    }
  }

  it('no write is lost or sent twice at a time, no slot leaks, and a blocked key has one command', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 120 }), (events) => {
        const lane = openQueue();
        const writes: PendingWrite[] = [];
        for (const event of events) {
          happen(lane, writes, event);
          sendAndCheck(lane);
        }
        // The database is well again.
        for (const command of lane.unanswered) lane.end(command);
        for (;;) {
          sendAndCheck(lane);
          if (lane.inFlight.size === 0) break;
          for (const command of lane.inFlight) lane.reply(command);
        }
        expect(writes.filter(({ isDone }) => !isDone)).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});
