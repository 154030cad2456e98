import { shell } from '../../mongodb/indexes.ts';
import { grantReadWrite } from '../../mongodb/setup/rights.ts';
import type { CollectionFacts, CollectionRole, Facts } from '../facts.ts';
import type { Finding } from '../finding.ts';
import { fail, judged, ok, unknown, warn } from './made.ts';

/** Judges the collections of the package: rights, kinds, indexes, and whether the keys can be written. */
export function judgeCollections(facts: Facts): Finding[] {
  const { collections, login, database } = facts;
  const user = 'known' in login ? login.known.user : null;
  const grant = user && grantReadWrite(user, database);
  return [
    ...collections.map((collection) => judgeRights(collection, facts, grant)),
    ...collections.filter(({ role }) => role === 'keys').map(judgeKind),
    ...collections.map(judgeIndexes),
    ...(collections.length > 0 ? [judgeRecords(facts)] : []),
  ];
}

/** The right to remove is for an operator who erases a scope; no call with a key needs it. */
const ONLY_ERASES = ['remove'];

const USERS: Readonly<Record<CollectionRole, string>> = {
  keys: 'calls with a key are refused (IDEMPOTENCY_STORE_UNAVAILABLE, misconfigured)',
  stats: 'calls work, and the dashboard shows no counts',
  calls: 'calls work, and the dashboard shows no refused calls and no suspected duplicates',
  audit: 'no operator can act from a process with this URI; one without a dashboard does not need it',
  jobs: 'no bulk job can run in a process with this URI; one without a dashboard does not need it',
};

function judgeRights(
  { role, name, lacks, indexes }: CollectionFacts,
  { login }: Facts,
  grant: string | null,
): Finding {
  return judged(
    lacks,
    'rights',
    (missing) => {
      if ('known' in login && login.known.user === null)
        return ok('rights', 'Nobody has to log in, so every right is there.', { about: name });
      if (missing.length === 0) return ok('rights', 'The user has each right.', { about: name });
      const found = `The user lacks the right to ${missing.join(', ')}`;
      const extra = { about: name, fix: grant };
      const grave = missing.filter(
        (action) => !ONLY_ERASES.includes(action) && !mayBeSpared(action, indexes),
      );
      if (grave.length === 0) return warn('rights', `${found}: ${sparedBy(missing)}.`, extra);
      return (role === 'keys' ? fail : warn)('rights', `${found}: ${USERS[role]}.`, extra);
    },
    { about: name, what: 'The rights could not be asked' },
  );
}

/** Where all indexes are there, nobody needs to make one. */
function mayBeSpared(action: string, indexes: CollectionFacts['indexes']): boolean {
  const areThere = 'known' in indexes && indexes.known.missing.length === 0;
  return action === 'createIndex' && areThere;
}

function sparedBy(missing: readonly string[]): string {
  return missing
    .map((action) =>
      action === 'createIndex'
        ? 'the indexes are there, so the store works with `indexes: "check"`, and after a dropped index somebody else has to make it'
        : 'an operator can not erase a scope from a process with this URI',
    )
    .join('; ');
}

function judgeKind({ name, obstacle, exists }: CollectionFacts): Finding {
  return judged(
    obstacle,
    'collection',
    (what) => {
      if (what !== undefined) {
        const [text = what, fix] = what.split('. Fix: ');
        return fail('collection', `${text}: calls with a key are refused.`, {
          about: name,
          fix: fix ?? null,
        });
      }
      const isThere = 'known' in exists && exists.known;
      return ok(
        'collection',
        isThere ? 'It is an ordinary collection.' : 'It is not there yet: the first `ready()` makes it.',
        {
          about: name,
        },
      );
    },
    { about: name, what: 'Whether it is capped, a view or a time series could not be asked' },
  );
}

const WITHOUT: Readonly<Record<string, string>> = {
  scope_1_key_1: 'without the unique index no call with a key runs',
  expiresAt_1: 'without the TTL index nothing that has expired is removed',
  'state_1__id_-1': 'without this index the dashboard does not find what needs attention',
  commandKey_1: 'without the unique index an operator’s command that is sent twice may act twice',
};

function judgeIndexes({ role, name, exists, indexes }: CollectionFacts): Finding {
  return judged(
    indexes,
    'indexes',
    ({ conflicts, missing, fix }) => {
      if (conflicts.length > 0) return judgeConflicts(name, conflicts);
      const isThere = !('known' in exists) || exists.known;
      if (missing.length === 0) return ok('indexes', 'All indexes are there.', { about: name });
      if (!isThere) return judgeAbsent(role, name, fix);
      const names = missing.map((index) => index.name).join(', ');
      const means = missing.flatMap((index) => WITHOUT[index.name] ?? []).join('; ');
      const text = `Missing: ${names}${means ? `: ${means}` : ''}.`;
      const isGrave = missing.some(
        (index) => index.unique || (role === 'keys' && index.name === 'expiresAt_1'),
      );
      return (isGrave ? fail : warn)('indexes', text, { about: name, fix });
    },
    { about: name, what: 'The indexes could not be listed' },
  );
}

function judgeConflicts(about: string, conflicts: readonly string[]): Finding {
  const parts = conflicts.map((conflict) => conflict.split('. Fix: '));
  const texts = parts.map(([text]) => `${text}.`);
  const fixes = parts.flatMap(([, fix]) => fix ?? []);
  return fail('indexes', texts.join(' '), { about, fix: fixes.join('; ') });
}

function judgeAbsent(role: CollectionRole, about: string, fix: string | null): Finding {
  if (role !== 'keys')
    return ok('indexes', 'The collection is made, with its indexes, when it is first used.', { about });
  const text =
    'The collection is not there yet: `ready()` makes it with its indexes, unless the store has `indexes: "check"`.';
  return warn('indexes', text, { about, fix });
}

function judgeRecords({ records, collection, database }: Facts): Finding {
  const about = collection;
  return judged(
    records,
    'records',
    (refused) =>
      refused === undefined
        ? ok('records', 'It takes the writes of a key. They were sent in a transaction that was aborted.', {
            about,
          })
        : fail('records', `It refuses the record of a key (${refused}): calls with a key are refused.`, {
            about,
            fix: `use a collection of its own, or take its validator away: ${shell({ database }, { collMod: collection, validator: {} })}`,
          }),
    { about, what: 'The writes of a key could not be tried here' },
  );
}

/** Judges the collection in which the protocol was tried. */
export function judgeScratch({ scratch, database, server }: Facts): Finding[] {
  if (!server.isWritable) return [];
  const { name, made, dropped, leftovers, lacks } = scratch;
  const findings: Finding[] = [];
  if (!('known' in made)) {
    const fix = lacks.length > 0 ? `run the doctor as a user of its own: ${createDoctor(database)}` : null;
    findings.push(
      unknown(
        'scratch',
        `No scratch collection could be made: ${made.unknown}. The protocol was not tried.`,
        { fix },
      ),
    );
  }
  const dropOf = (left: string) =>
    `db.getSiblingDB(${JSON.stringify(database)}).getCollection(${JSON.stringify(left)}).drop()`;
  if (dropped && !('known' in dropped)) {
    findings.push(
      warn('scratch', `The scratch collection ${name} could not be dropped: ${dropped.unknown}.`, {
        fix: dropOf(name),
      }),
    );
  }
  if (leftovers.length > 0) {
    findings.push(
      warn(
        'scratch',
        `Calls of the doctor that were killed have left ${leftovers.length} of their collections.`,
        {
          fix: leftovers.map(dropOf).join('; '),
        },
      ),
    );
  }
  if (findings.length > 0) return findings;
  return [ok('scratch', `The protocol was tried in ${database}.${name}, which is dropped again.`)];
}

/** The user of the app needs no more rights for the sake of this. */
function createDoctor(database: string): string {
  const roles = `[{ role: "readWrite", db: ${JSON.stringify(database)} }, { role: "clusterMonitor", db: "admin" }]`;
  return `db.getSiblingDB("admin").createUser({ user: "doctor", pwd: passwordPrompt(), roles: ${roles} })`;
}
