import type { Answered, Fields, KeyHistory, Receipt, Rules } from '../history/history.ts';
import type { Played } from './play.ts';
import type { Fault } from './scenario.ts';
import type { LogEntry } from './server-model.ts';

const idOf = ({ scope, key }: { readonly scope: string; readonly key: string }) => `${scope}\n${key}`;

/** Makes the history of each key of what was played, for the checks that real clusters have, too. */
export function historiesOf(played: Played): KeyHistory[] {
  const ids = new Set([
    ...played.scenario.calls.map(idOf),
    ...played.effects.map(idOf),
    // A second document of a key, which may be made while there is no lock, is no key that anybody asks for.
    ...played.server.log.map(({ id }) => id).filter((id) => id.split('\n').length === 2),
  ]);
  const rules = rulesOf(played);
  return [...ids].map((id) => historyOf(id, played, rules));
}

function rulesOf({ scenario: { mode, policy, faults } }: Played): Rules {
  const isSet = faults.some(
    (fault) => fault.kind === 'server clock' || (fault.kind === 'election' && fault.clockMs !== 0),
  );
  const isTransaction = mode === 'transaction';
  // A commit is fenced: whatever the clocks say, none comes after its run has lost the key.
  return {
    mayRepeat: mode === 'retry',
    isTransaction,
    graceMs: isSet && !isTransaction ? policy.leaseMs : 0,
  };
}

function historyOf(id: string, played: Played, rules: Rules): KeyHistory {
  const [scope = '', key = ''] = id.split('\n');
  const told = played.events
    .filter((event) => event.id === id)
    .map(({ id: _, ...event }) => ({ ...event, by: 'app' }));
  const sent = (call: Played['hanging'][number]) => ({
    at: call.at,
    amount: call.amount,
    to: `app-${call.machine}`,
  });
  const answers = played.answers
    .filter(({ call }) => idOf(call) === id)
    .map(
      ({ call, machine, sentAt, ...answer }): Answered => ({
        ...answer,
        // Calls of one process that ask at the same time share an answer: the first of them may have asked for it so long before.
        askedAt: sentAt - played.scenario.timeoutMs,
        amount: call.amount,
        from: machine,
      }),
    );
  return {
    ...{ scope, key, rules, answers, told },
    sent: played.scenario.calls.filter((call) => idOf(call) === id).map(sent),
    effects: played.effects
      .filter((effect) => idOf(effect) === id)
      .map(({ machine, ...effect }) => ({ ...effect, by: machine })),
    // A claim that was inserted without the lock, and put aside, was never anybody's run.
    written: played.server.log.filter((entry) => entry.id === id && entry.by !== 'put aside').map(writtenOf),
    hanging: played.hanging.filter((call) => idOf(call) === id).map(sent),
    excuse() {
      // Without a fault nobody is in doubt. Nor is a key that was never run, where no fault lasted as long as a lease: a claim that is
      // given up in a longer outage may lapse before its release gets through.
      const { faults, policy } = played.scenario;
      if (faults.length === 0) return undefined;
      const areBrief = faults.every((fault) => isBrief(fault, policy.leaseMs));
      return areBrief && !told.some(({ type }) => type === 'started') ? undefined : 'a fault';
    },
  };
}

function writtenOf({ before, after, at, now }: LogEntry) {
  const body = (after?.response as Fields | undefined)?.body;
  return {
    ...{ before, after, at, from: at, now: now.getTime() },
    ...(body !== undefined && { answer: JSON.parse(String(body)).data as Receipt }),
  };
}

function isBrief(fault: Fault, leaseMs: number): boolean {
  if (fault.kind === 'app clock') return true;
  if (!('ms' in fault) || fault.kind === 'freeze') return false;
  const lateMs = 'slowMs' in fault ? fault.slowMs : 'replicationMs' in fault ? fault.replicationMs : 0;
  return fault.ms + lateMs < leaseMs / 2;
}
