import { Collection, type Database } from '../../mongodb/database.ts';
import { isUnauthorized, loginOf } from '../../mongodb/setup/rights.ts';
import type { Asked, Facts } from '../facts.ts';
import { askBacklog, askCollections, askRecords, askTtlMonitor } from './ask-collections.ts';
import { askMembers, type MemberLink } from './ask-members.ts';
import { askClock, askServer, askWriteConcern } from './ask-server.ts';
import { askCommits, askRoundTrips } from './ask-times.ts';
import { asking } from './asking.ts';
import { withScratch } from './scratch.ts';
import { runTrials, untried } from './trials.ts';

/** A `Place` is the database that the doctor asks, with a way to each member of its set. */
export interface Place {
  readonly db: Database;
  /** The name of the collection of the keys. */
  readonly collection: string;
  connectTo(host: string): Promise<MemberLink>;
}

export interface AskOptions {
  /** Is told what is asked next. */
  readonly onProgress: (what: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Asks a server all that is to be judged. It writes to a scratch collection only, and drops that before it ends, however it ends.
 * @throws the driver's error when no server answers or the login is refused; `signal.reason` when it is interrupted
 */
export async function askFacts(place: Place, { onProgress, signal }: AskOptions): Promise<Facts> {
  const keys = new Collection(place.db, place.collection);
  const ask = asking(signal);
  onProgress('which server this is');
  const { server, hosts } = await askServer(keys, ask);
  if (server.isWritable) await refuseStranger(keys);
  const members = server.kind === 'set' ? await askMembers(hosts, place.connectTo, ask) : [];
  const common = { database: keys.database, collection: keys.name, server, members };
  if (!server.isWritable) return { ...common, ...nothingElse(server.kind) };

  onProgress('rights, indexes and defaults');
  const login = await ask(() => loginOf(keys));
  // At the same time: of a server that has stopped answering, each would take as long as it may.
  const [collections, records, writeConcern, ttlMonitor, backlog] = await Promise.all([
    askCollections(keys, login, ask),
    askRecords(keys, server, ask),
    askWriteConcern(keys, ask),
    askTtlMonitor(keys, ask),
    askBacklog(keys, ask),
  ]);
  const clock = await askClock(keys, ask);
  const roundTrips = await askRoundTrips(keys, ask);

  onProgress('the statements of the protocol, in a scratch collection');
  const { facts: scratch, result } = await withScratch(keys, login, ask, async (collection) => {
    const trials = await runTrials(collection, server, ask);
    onProgress('how long a commit takes');
    const commits: Facts['commits'] =
      trials.claim.end === 'kept' ? await askCommits(collection, ask) : { unknown: 'it needs "claim"' };
    return { trials, commits };
  });
  const why = 'no scratch collection could be made';
  return {
    ...common,
    login,
    collections,
    records,
    writeConcern,
    clock,
    ttlMonitor,
    backlog,
    roundTrips,
    scratch,
    trials: result?.trials ?? untried(why),
    commits: result?.commits ?? { unknown: why },
  };
}

/** @throws Error for a client that has not logged in, where that is needed */
async function refuseStranger(keys: Collection): Promise<void> {
  try {
    await keys.run({ find: keys.name, filter: { _id: null }, limit: 1, singleBatch: true });
  } catch (error) {
    if (!isUnauthorized(error)) return;
    const { user } = await loginOf(keys);
    if (user) return;
    const text = 'The server wants its clients to log in, and the URI names no user';
    throw new Error(`${text}. Fix: mongodb://<user>:<password>@…`, { cause: error });
  }
}

/** Without a primary nothing else can be asked. */
function nothingElse(kind: Facts['server']['kind']) {
  const why = kind === 'uninitiated' ? 'the set is not initiated' : 'there is no primary to ask';
  const unknown: Asked<never> = { unknown: why };
  return {
    login: unknown,
    collections: [],
    records: unknown,
    writeConcern: { byDefault: unknown, byUri: undefined },
    clock: unknown,
    scratch: { name: '', made: unknown, dropped: undefined, lacks: [], leftovers: [] },
    trials: untried(why),
    roundTrips: unknown,
    commits: unknown,
    ttlMonitor: unknown,
    backlog: unknown,
  };
}
