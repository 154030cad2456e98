import type { Facts, MemberFacts, ServerFacts, WriteConcernFacts } from '../facts.ts';
import type { Finding } from '../finding.ts';
import { capital, fail, judged, ok, unknown, warn } from './made.ts';

/** MongoDB 6.0. */
const WIRE_VERSION = 17;

/** Judges which server it is, and whom a majority is made of. */
export function judgeServer({ server, members, writeConcern }: Facts): Finding[] {
  return [
    judgeVersion(server),
    judgeKind(server),
    judgePrimary(server),
    ...(server.kind === 'set' ? [judgeMembers(members)] : []),
    ...(server.isWritable ? [judgeWriteConcern(server, writeConcern), READ_CONCERN] : []),
  ];
}

function judgeVersion({ version, wireVersion }: ServerFacts): Finding {
  const name = 'known' in version ? `MongoDB ${version.known}` : `a server of wire version ${wireVersion}`;
  if (wireVersion >= WIRE_VERSION) return ok('version', `This is ${name}: 6.0 or later is needed.`);
  return fail('version', `This is ${name}, and 6.0 or later is needed: every call with a key is refused.`, {
    fix: 'upgrade the server to MongoDB 6.0 or later, one major release at a time',
  });
}

function judgeKind({ kind, host, setName }: ServerFacts): Finding {
  const fixOf = (name: string) =>
    `mongosh "mongodb://${addressOf(host)}/?directConnection=true" --eval 'rs.initiate({ _id: "${name}", members: [{ _id: 0, host: "${addressOf(host)}" }] })'`;
  switch (kind) {
    case 'set':
      return ok('kind', `It is the replica set "${setName}": what a majority has is not lost.`);
    case 'sharded':
      return warn(
        'kind',
        'It is a sharded cluster, by a mongos: what a majority of a shard has is not lost. Latchkey is made for such clusters, but its own tests run on replica sets.',
        {
          fix: 'try it in your own staging first, with the collection of the keys sharded on { scope: 1, key: 1 }',
        },
      );
    case 'standalone':
      return fail(
        'kind',
        'It is a standalone: when it is killed it may lose a key that it has acknowledged, so that a retry runs again, and it has no transactions.',
        { fix: `start it with --replSet rs0, then once: ${fixOf('rs0')}` },
      );
    case 'uninitiated':
      return fail('kind', 'Its replica set is not initiated: it takes no writes, so every call is refused.', {
        fix: fixOf('<its --replSet>'),
      });
    default:
      return kind satisfies never;
  }
}

/** A standalone does not say its own address. */
const addressOf = (host: string) => (host.includes(':') ? host : '<host:port>');

function judgePrimary({ isWritable, host, kind }: ServerFacts): Finding {
  if (isWritable) return ok('primary', 'It takes writes.');
  const fix =
    kind === 'uninitiated'
      ? 'initiate the set, as "kind" says'
      : 'bring back a majority of the members; let the URI name several of them and no directConnection';
  return fail('primary', `${host} answers, but it is not the primary: every call with a key is refused.`, {
    fix,
  });
}

function judgeMembers(members: readonly MemberFacts[]): Finding {
  const isAway = (member: MemberFacts) => !('known' in member.asked) || member.asked.known.role === 'other';
  const away = members.filter(isAway);
  const isArbiter = ({ asked }: MemberFacts) => 'known' in asked && asked.known.role === 'arbiter';
  const arbiters = members.filter(isArbiter).length;
  const all = `${members.length} member${members.length === 1 ? '' : 's'}`;
  if (members.length === 0) return unknown('members', 'The primary did not name the members.');
  if (away.length > 0) {
    const names = away.map(({ host, asked }) =>
      'known' in asked ? `${host} (it is no primary and no secondary)` : `${host} (${asked.unknown})`,
    );
    const isMajority = (members.length - away.length) * 2 > members.length;
    const text = isMajority
      ? 'a majority is still there, and calls go on; when one more goes, they may be refused.'
      : 'from here there is no majority, so writes may never be acknowledged.';
    return warn(
      'members',
      `Of ${all} some can not be reached from here: ${names.join(', ')}. ${capital(text)}`,
      {
        fix: 'start these members, or let this machine reach them: an app has to reach whichever becomes the primary',
      },
    );
  }
  if (arbiters > 0) {
    return warn(
      'members',
      `Of ${all} ${arbiters} hold no data: when one that does goes, there may be no majority to acknowledge a write, and calls are refused.`,
      { fix: 'replace the arbiter by a member that holds data' },
    );
  }
  return members.length === 1
    ? ok('members', 'The set has one member: calls are refused while that restarts.')
    : ok('members', `All of ${all} can be reached from here.`);
}

const READ_CONCERN = ok(
  'read-concern',
  'The read concern of keys does not depend on a default: Latchkey says "majority" with each read, and "snapshot" in its transactions.',
);

function judgeWriteConcern({ kind }: ServerFacts, { byDefault, byUri }: WriteConcernFacts): Finding {
  if (kind === 'standalone') {
    return ok('write-concern', 'A standalone has no default: it knows no other member to write to.');
  }
  const own = 'Latchkey writes keys by majority in any case. ';
  const lost =
    'But what handlers write without a write concern of their own can be rolled back by a failover, while their key stays completed: a retry then gets an answer whose effect is gone.';
  if (byUri !== undefined && byUri !== 'majority') {
    return warn('write-concern', `The URI says w=${byUri}. ${own}${lost}`, {
      fix: 'take w=… out of the URI, or make it w=majority',
    });
  }
  if (byUri === 'majority') return ok('write-concern', `The URI says w=majority. ${own.trim()}`);
  return judged(
    byDefault,
    'write-concern',
    (w) =>
      w === 'majority'
        ? ok('write-concern', `The default is "majority", also for what handlers write. ${own.trim()}`)
        : warn('write-concern', `The default of the server is w: ${JSON.stringify(w ?? 1)}. ${own}${lost}`, {
            fix: 'db.adminCommand({ setDefaultRWConcern: 1, defaultWriteConcern: { w: "majority" } })',
          }),
    {
      what: `${own}The server's default, which holds for what handlers write, could not be asked`,
      fix: 'ask as a user with the role clusterMonitor: db.adminCommand({ getDefaultRWConcern: 1 })',
    },
  );
}
