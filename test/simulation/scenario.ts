import { Random } from './world.ts';

/** What a key's policy says of crashes, and where the effect is made. */
export type Mode = 'in_doubt' | 'retry' | 'resolver' | 'steps' | 'transaction';

export interface Call {
  readonly at: number;
  readonly key: string;
  readonly scope: string;
  readonly amount: number;
  readonly machine: number;
  /** The handler takes so long, and makes its effect after that part of it. */
  readonly workMs: number;
  readonly effectAfter: number;
  /** The handler says that nothing happened, in place of making its effect. */
  readonly releases: boolean;
  /** Each answer is lost on its way to the client with this probability. */
  readonly loss: number;
}

export type Fault = { readonly at: number } & (
  | { readonly kind: 'kill'; readonly machine: number }
  | { readonly kind: 'freeze'; readonly machine: number; readonly ms: number }
  | {
      readonly kind: 'link';
      readonly machine: number;
      readonly link: 'lossy' | 'deaf' | 'cut';
      readonly ms: number;
    }
  | { readonly kind: 'slow'; readonly machine: number; readonly slowMs: number; readonly ms: number }
  | { readonly kind: 'app clock'; readonly machine: number; readonly byMs: number }
  | { readonly kind: 'server clock'; readonly byMs: number }
  | { readonly kind: 'dropped index' }
  | { readonly kind: 'election'; readonly ms: number; readonly keepsAll: boolean; readonly clockMs: number }
  | { readonly kind: 'slow replication'; readonly replicationMs: number; readonly ms: number }
);

/** A scenario is all that happens from outside: what clients send, and what breaks. It is a value, so that parts of it can be left out. */
export interface Scenario {
  readonly seed: number;
  readonly mode: Mode;
  readonly policy: {
    readonly leaseMs: number;
    readonly retentionMs: number;
    readonly unresolvedRetentionMs: number | null;
    readonly waitTimeoutMs: number;
  };
  readonly timeoutMs: number;
  readonly ttlMs: number;
  readonly transactionMs: number;
  /** All runs in transactions write to one document, beside their own. */
  readonly isCrowded: boolean;
  readonly replicationMs: number;
  /** One message in fifty takes up to so long. */
  readonly slowestMs: number;
  readonly machineClocks: readonly number[];
  readonly calls: readonly Call[];
  readonly faults: readonly Fault[];
}

const FAULTY_MS = 12_000;

/** Makes the scenario of a seed. One in five has no faults that could leave anybody in doubt; in each sixth seed runs are transactions. */
export function scenarioOf(seed: number): Scenario {
  const random = new Random(seed);
  const machines = random.between(2, 3);
  const keys = Array.from({ length: random.between(1, 3) }, (_, i) => `key-${i + 1}`);
  const isCalm = random.chance(0.2);
  const leaseMs = random.pick([1_500, 3_000, 3_000, 6_000]);
  const outside = random.pick<Mode>(['in_doubt', 'in_doubt', 'retry', 'resolver', 'steps']);
  const mode = seed % 6 === 0 ? 'transaction' : outside;
  // A transaction ends with its lease, so one that takes longer is tried in vain each time.
  const longOnes = mode === 'transaction' ? 0.05 : 0.3;
  const calls = Array.from({ length: random.between(3, 10) }, (): Call => {
    const at = random.between(0, FAULTY_MS * 0.8);
    return {
      at: random.chance(0.4) ? Math.floor(at / 3_000) * 3_000 : at,
      key: random.pick(keys),
      scope: random.chance(0.85) ? 'alice' : 'bob',
      amount: random.chance(0.85) ? 1 : 2,
      machine: random.between(0, machines - 1),
      workMs: random.chance(longOnes) ? random.between(leaseMs, leaseMs * 3) : random.between(0, leaseMs / 2),
      effectAfter: random.next(),
      releases: random.chance(0.08),
      loss: random.chance(0.3) ? 0.5 : 0,
    };
  });
  for (const call of [...calls]) {
    // Another one at the same moment, or while that one runs; perhaps with another input.
    if (!random.chance(0.35)) continue;
    const twin = random.chance(0.5)
      ? { machine: call.machine, amount: random.pick([1, 2]) }
      : { machine: random.between(0, machines - 1), at: call.at + random.between(0, call.workMs) };
    calls.push({ ...call, ...twin });
  }
  // A tombstone that comes after the record was forgotten has that record's life, and so its downstream keys.
  const isKeptLong = mode === 'resolver' || mode === 'steps';
  const count = isCalm ? 0 : random.between(1, 5);
  return {
    seed,
    mode,
    policy: {
      leaseMs,
      retentionMs: random.pick(isKeptLong ? [40_000, 3_600_000] : [2_000, 5_000, 3_600_000]),
      unresolvedRetentionMs: random.pick(isKeptLong ? [null, 3_600_000] : [null, leaseMs, 3_600_000]),
      waitTimeoutMs: random.pick([500, 4_000, 10_000]),
    },
    timeoutMs: random.pick([1_000, 2_000, 5_000]),
    ttlMs: random.pick([500, 1_000, 3_600_000]),
    replicationMs: random.pick([1, 5, 40]),
    slowestMs: isCalm ? leaseMs / 5 : 1_500,
    machineClocks: Array.from({ length: machines }, () =>
      random.chance(0.3) ? random.between(-120_000, 120_000) : 0,
    ),
    calls: calls.sort((one, other) => one.at - other.at),
    faults: Array.from({ length: count }, () => faultsOf(random, calls, machines, leaseMs))
      .flat()
      .sort((one, other) => one.at - other.at),
    transactionMs: random.pick([4_000, 60_000]),
    isCrowded: random.chance(0.5),
  };
}

function faultsOf(random: Random, calls: readonly Call[], machines: number, leaseMs: number): Fault[] {
  // Mostly where something is going on.
  const call = random.chance(0.75) ? random.pick(calls) : undefined;
  const at = call ? call.at + random.between(0, call.workMs + 30) : random.between(0, FAULTY_MS);
  const machine = call?.machine ?? random.between(0, machines - 1);
  const ms = random.between(100, leaseMs * 2.5);
  switch (random.between(0, 11)) {
    case 0:
    case 1:
      return [{ kind: 'kill', at, machine }];
    case 2:
    case 3:
      return [{ kind: 'freeze', at, machine, ms }];
    case 4:
      return [{ kind: 'link', at, machine, link: random.pick(['lossy', 'deaf', 'cut']), ms }];
    case 5:
      return [{ kind: 'slow', at, machine, slowMs: random.between(100, leaseMs * 2), ms: ms * 2 }];
    case 6:
      return [electionAt(random, at)];
    case 7: {
      // A primary whose writes reach nobody any more, and which then dies.
      const replicationMs = random.between(500, 5_000);
      const election = electionAt(random, at + random.between(100, replicationMs));
      return [{ kind: 'slow replication', at, replicationMs, ms: replicationMs }, election];
    }
    case 8: {
      // A connection that gets worse, and then is gone.
      const slow: Fault = {
        kind: 'slow',
        at,
        machine,
        slowMs: random.between(leaseMs / 2, leaseMs * 2),
        ms: leaseMs * 3,
      };
      return [
        slow,
        { kind: 'link', at: at + random.between(0, leaseMs * 2), machine, link: 'cut', ms: leaseMs * 2 },
      ];
    }
    case 9:
      return [{ kind: 'slow replication', at, replicationMs: random.between(100, 3_000), ms }];
    case 10:
      return random.chance(0.3)
        ? [{ kind: 'dropped index', at }]
        : [{ kind: 'server clock', at, byMs: random.pick([-5_000, -700, 5_000]) }];
    default:
      return random.chance(0.5)
        ? [{ kind: 'server clock', at, byMs: random.pick([700, 5_000, 3_600_000]) }]
        : [{ kind: 'app clock', at, machine, byMs: random.pick([-3_600_000, -5_000, 5_000, 3_600_000]) }];
  }
}

function electionAt(random: Random, at: number): Fault {
  const clockMs = random.chance(0.2) ? random.between(-500, 500) : 0;
  return { kind: 'election', at, ms: random.between(50, 3_000), keepsAll: random.chance(0.3), clockMs };
}
