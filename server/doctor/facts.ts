/** What was asked of a server is known, or it is said why it is not. */
export type Asked<T> =
  | { readonly known: T }
  /** `isRefused`: the server understood what was asked and said no, so that asking again will not change it. */
  | { readonly unknown: string; readonly isRefused?: boolean };

/** The facts are what `latchkey doctor` has asked of a server: values, and no judgement of them. */
export interface Facts {
  readonly database: string;
  /** The name of the collection of the keys. */
  readonly collection: string;
  readonly server: ServerFacts;
  /** The members of a replica set, each asked by a connection of its own. Empty for a server of another kind. */
  readonly members: readonly MemberFacts[];
  readonly login: Asked<LoginFacts>;
  readonly collections: readonly CollectionFacts[];
  /** The collection of the keys takes the writes of a key: undefined, or what the server says against them. */
  readonly records: Asked<string | undefined>;
  readonly writeConcern: WriteConcernFacts;
  readonly clock: Asked<ClockFacts>;
  readonly scratch: ScratchFacts;
  readonly trials: Readonly<Record<TrialName, Trial>>;
  readonly roundTrips: Asked<Times>;
  readonly commits: Asked<Times>;
  readonly ttlMonitor: Asked<boolean>;
  readonly backlog: Asked<BacklogFacts>;
}

export interface ServerFacts {
  readonly kind: 'standalone' | 'uninitiated' | 'set' | 'sharded';
  /** False where no primary was found: then a secondary, or whoever else answers, was asked. */
  readonly isWritable: boolean;
  readonly host: string;
  readonly setName: string | null;
  readonly wireVersion: number;
  readonly version: Asked<string>;
}

export type MemberRole = 'primary' | 'secondary' | 'arbiter' | 'other';

export interface MemberFacts {
  readonly host: string;
  readonly asked: Asked<ClockFacts & { readonly role: MemberRole }>;
}

/** `ClockFacts` say how far a server's clock is ahead of this machine's, and how wrong that may be: half of the round trip. */
export interface ClockFacts {
  readonly aheadMs: number;
  readonly uncertaintyMs: number;
}

export interface LoginFacts {
  /** Null when nobody has to log in. */
  readonly user: { readonly user: string; readonly db: string } | null;
}

export type CollectionRole = 'keys' | 'stats' | 'calls' | 'audit' | 'jobs';

export interface CollectionFacts {
  readonly role: CollectionRole;
  readonly name: string;
  readonly exists: Asked<boolean>;
  /** Undefined for an ordinary collection, or the sentence that says what it is instead. */
  readonly obstacle: Asked<string | undefined>;
  /** The actions that the user lacks, by MongoDB's names. */
  readonly lacks: Asked<readonly string[]>;
  readonly indexes: Asked<IndexFacts>;
}

export interface IndexFacts {
  /** Each text names an index that is in the way, and its fix. */
  readonly conflicts: readonly string[];
  readonly missing: readonly { readonly name: string; readonly unique?: boolean }[];
  /** The command that makes the missing ones. */
  readonly fix: string | null;
}

export interface WriteConcernFacts {
  /** The `w` of the server's default; `null` where it has none. */
  readonly byDefault: Asked<string | number | null>;
  /** The `w` of the client's URI, where that has one. */
  readonly byUri: string | number | undefined;
}

export interface ScratchFacts {
  readonly name: string;
  /** It was made, or it is said why it was not. */
  readonly made: Asked<true>;
  /** It was dropped, or it is said why it was not. Undefined where none was made. */
  readonly dropped: Asked<true> | undefined;
  /** The actions that the user lacks for it, by MongoDB's names; empty where it has them, or where that is not known. */
  readonly lacks: readonly string[];
  /** Scratch collections of earlier calls, which were killed. */
  readonly leftovers: readonly string[];
}

/** `Times` sum up what was measured, in ms. */
export interface Times {
  readonly count: number;
  readonly median: number;
  readonly p99: number;
}

export interface BacklogFacts {
  /** So many records expired more than two minutes ago. */
  readonly count: number;
  /** There are more than `count`. */
  readonly isMore: boolean;
  /** The oldest of them expired so long ago, in ms. */
  readonly oldestMs: number;
}

/** The trials stand in the order in which they are made: on a collection that holds anything, an index waits for each member of the set. */
export const TRIALS = [
  'ttl-index',
  'partial-index',
  'unique-index',
  'update-pipelines',
  'constants',
  'server-clock',
  'claim',
  'race',
  'renew',
  'step',
  'complete',
  'release',
  'expire',
  'give-up',
  'takeover',
  'in-doubt',
  'read',
  'transaction',
] as const;

export type TrialName = (typeof TRIALS)[number];

/** A trial sends statements of the protocol to the scratch collection, and looks at what became of the record. */
export type Trial =
  | { readonly end: 'kept' }
  /** The server took the statements, but their effect is another one. */
  | { readonly end: 'broken'; readonly what: string }
  | { readonly end: 'refused'; readonly error: string }
  | { readonly end: 'untried'; readonly why: string };
