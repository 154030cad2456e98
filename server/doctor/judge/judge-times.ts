import { resolvePolicy } from '../../engine/resolve-policy.ts';
import { DEFAULT_RETENTION_MS } from '../../engine/retention.ts';
import type { ClockFacts, Facts, MemberFacts, Times } from '../facts.ts';
import type { Finding } from '../finding.ts';
import { capital, fail, judged, ok, timeText, unknown, warn } from './made.ts';

/** The default of `createMongoStore({ timeoutMs })`. */
export const TIMEOUT_MS = 5_000;
const SHORTEST_TIMEOUT_MS = 100;
const SHORTEST_LEASE_MS = 1_000;
/** A lane of the store suspects a command that takes longer of waiting for a lock, and sends its writes again. */
const SUSPICIOUS_MS = 500;
const FAR_MS = 50;
/** Clocks that a network keeps in step differ by less. */
const NOTABLE_SKEW_MS = 1_000;

const { leaseMs: LEASE_MS } = resolvePolicy({});
/** A lease is renewed when a third of it is over, so that this much is left when it is shortest. */
const SPARE_LEASE_MS = (LEASE_MS * 2) / 3;

/** Judges the clocks, and how quickly the server answers. */
export function judgeTimes({ server, clock, members, roundTrips, commits }: Facts): Finding[] {
  if (!server.isWritable) return [];
  return [
    judged(clock, 'clock', judgeClock, { what: 'The clock of the server could not be read' }),
    ...(server.kind === 'set' ? [judgeMemberClocks(members)] : []),
    judged(roundTrips, 'round-trip', judgeRoundTrips, { what: 'No round trip could be timed' }),
    judged(commits, 'commit-time', judgeCommits, { what: 'No commit could be timed' }),
  ];
}

function judgeClock({ aheadMs, uncertaintyMs }: ClockFacts): Finding {
  const found = `The clock of this machine is ${offText(-aheadMs, uncertaintyMs)}.`;
  const leases =
    'Leases and expiry go by the primary alone; only fences of new keys start at the clock of the app';
  const skewMs = atLeast(aheadMs, uncertaintyMs);
  const fix = 'run an NTP client here: chronyc tracking, or timedatectl set-ntp true';
  if (skewMs > DEFAULT_RETENTION_MS) {
    const text = `${leases}, and they may go back when a key is used again after its ${timeText(DEFAULT_RETENTION_MS)}.`;
    return fail('clock', `${found} ${text}`, { fix });
  }
  if (skewMs <= NOTABLE_SKEW_MS) return ok('clock', `${found} ${leases}.`);
  return warn(
    'clock',
    `${found} ${leases}. What your logs say is off by as much from what the dashboard says.`,
    { fix },
  );
}

/** Tells what a difference is at least, when a measurement may be wrong by so much. */
const atLeast = (ms: number, uncertaintyMs: number) => Math.max(0, Math.abs(ms) - uncertaintyMs);

function offText(ms: number, uncertaintyMs: number): string {
  const exact = `the primary's (± ${timeText(Math.max(1, uncertaintyMs))})`;
  if (atLeast(ms, uncertaintyMs) < 1) return `in step with ${exact}`;
  return `${timeText(Math.abs(ms))} ${ms > 0 ? 'ahead of' : 'behind'} ${exact}`;
}

interface Skew {
  readonly host: string;
  readonly aheadMs: number;
  readonly uncertaintyMs: number;
}

function judgeMemberClocks(members: readonly MemberFacts[]): Finding {
  const known = members.flatMap(({ host, asked }) => ('known' in asked ? [{ host, ...asked.known }] : []));
  const primary = known.find(({ role }) => role === 'primary');
  if (!primary) return unknown('member-clocks', 'The primary could not be asked by itself.');
  const skews: Skew[] = known
    .filter(({ role }) => role === 'secondary')
    .map(({ host, aheadMs, uncertaintyMs }) => ({
      host,
      aheadMs: aheadMs - primary.aheadMs,
      uncertaintyMs: uncertaintyMs + primary.uncertaintyMs,
    }));
  if (skews.length === 0)
    return ok('member-clocks', 'No other member holds a clock that leases could go by.');
  const off = skews.filter(({ aheadMs, uncertaintyMs }) => atLeast(aheadMs, uncertaintyMs) > NOTABLE_SKEW_MS);
  if (off.length === 0) {
    return ok('member-clocks', 'The clocks of the members are in step: a failover moves no lease.');
  }
  const found = off
    .map(({ host, aheadMs, uncertaintyMs }) => `the clock of ${host} is ${offText(aheadMs, uncertaintyMs)}`)
    .join('; ');
  const fix = 'run an NTP client on these members: chronyc tracking, or timedatectl set-ntp true';
  const isAhead = off.some(
    ({ aheadMs, uncertaintyMs }) => aheadMs > 0 && atLeast(aheadMs, uncertaintyMs) > SPARE_LEASE_MS,
  );
  const text = `If it becomes the primary, leases end sooner or later by as much`;
  if (isAhead) {
    return fail(
      'member-clocks',
      `${capital(found)}. If it becomes the primary, the lease (${timeText(LEASE_MS)} by default) of a living run lapses at once: its key goes to another call, or is in doubt.`,
      { fix },
    );
  }
  return warn(
    'member-clocks',
    `${capital(found)}. ${text}: keys of crashed runs stay in progress longer, or living runs have less time to renew.`,
    { fix },
  );
}

function judgeRoundTrips({ median, p99, count }: Times): Finding {
  const found = `A round trip takes ${timeText(median)} (p99 ${timeText(p99)}, of ${count}). A mutation with a key takes two more of them than without.`;
  return median < FAR_MS
    ? ok('round-trip', found)
    : warn('round-trip', found, { fix: 'run the app nearer to the primary; from where was the doctor run?' });
}

function judgeCommits({ median, p99, count }: Times): Finding {
  const found = `A majority acknowledges a claim after ${timeText(median)} (p99 ${timeText(p99)}, of ${count}).`;
  const leaseMs = upTo(SHORTEST_LEASE_MS, p99 * 3);
  const timeoutMs = upTo(SHORTEST_TIMEOUT_MS, p99 * 4);
  const allows = `That allows a \`leaseMs\` from ${timeText(leaseMs)} on, and a \`timeoutMs\` from ${timeText(timeoutMs)} on.`;
  const fix =
    'look at the load, the disks and the replication lag of the members: rs.printSecondaryReplicationInfo()';
  if (p99 >= TIMEOUT_MS) {
    const text = `With the default \`timeoutMs\` of ${timeText(TIMEOUT_MS)} calls are refused.`;
    return fail('commit-time', `${found} ${text} ${allows}`, { fix });
  }
  if (p99 < SUSPICIOUS_MS) return ok('commit-time', `${found} ${allows}`);
  return warn(
    'commit-time',
    `${found} ${allows} Writes that take over ${timeText(SUSPICIOUS_MS)} are sent twice, which makes a slow server slower.`,
    { fix },
  );
}

/** Rounds a time up to whole tenths of a second, and to no less than `least`. */
const upTo = (least: number, ms: number) => Math.max(least, Math.ceil(ms / 100) * 100);
