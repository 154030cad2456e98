import type { BacklogFacts, Facts } from '../facts.ts';
import type { Finding } from '../finding.ts';
import { fail, judged, ok, timeText, warn } from './made.ts';

/** Judges whether the server removes what has expired. */
export function judgeExpiry({ server, ttlMonitor, backlog, collection }: Facts): Finding[] {
  if (!server.isWritable) return [];
  const isSharded = server.kind === 'sharded';
  return [
    judged(ttlMonitor, 'ttl-monitor', judgeMonitor, {
      what: 'Whether the TTL monitor is on could not be asked',
      fix: isSharded
        ? 'ask the primary of each shard, not the mongos: db.adminCommand({ getParameter: 1, ttlMonitorEnabled: 1 })'
        : 'ask as a user with the role clusterMonitor: db.adminCommand({ getParameter: 1, ttlMonitorEnabled: 1 })',
    }),
    judged(backlog, 'ttl-backlog', (known) => judgeBacklog(known, isSharded, collection), {
      about: collection,
      what: 'What has expired could not be counted',
    }),
  ];
}

function judgeMonitor(isOn: boolean): Finding {
  if (isOn) return ok('ttl-monitor', 'The TTL monitor is on: the server removes what has expired.');
  const text =
    'The TTL monitor is off: nothing that has expired is removed. The collection grows, and answers are kept longer than `retentionMs` says. An expired key is claimed as a new one all the same.';
  return fail('ttl-monitor', text, { fix: 'db.adminCommand({ setParameter: 1, ttlMonitorEnabled: true })' });
}

function judgeBacklog({ count, isMore, oldestMs }: BacklogFacts, isSharded: boolean, about: string): Finding {
  if (count === 0) return ok('ttl-backlog', 'Nothing that has expired was left behind.', { about });
  const many = `${isMore ? 'More than ' : ''}${count} record${count === 1 ? '' : 's'}`;
  const sharded = isSharded
    ? ' On a sharded cluster the TTL monitor of a shard can stop for good (SERVER-92779).'
    : '';
  const text = `${many} expired more than 2 minutes ago and ${count === 1 ? 'is' : 'are'} still there, the oldest for ${timeText(oldestMs)}: the server does not keep up with removing them.${sharded}`;
  return warn('ttl-backlog', text, {
    about,
    fix: isSharded
      ? 'step down the primary of each shard, for its TTL monitor then starts again: rs.stepDown()'
      : 'look whether it goes down: db.serverStatus().metrics.ttl; if it does not, the TTL index or the TTL monitor is wrong, as said above, or the server is overloaded',
  });
}
