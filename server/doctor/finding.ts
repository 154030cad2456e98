import { TRIALS } from './facts.ts';

/** Each finding is about one of these. Its name is the heading in docs/doctor.md that explains it. */
export const TOPICS = [
  'version',
  'kind',
  'primary',
  'members',
  'rights',
  'collection',
  'indexes',
  'records',
  'write-concern',
  'read-concern',
  'clock',
  'member-clocks',
  'round-trip',
  'commit-time',
  'ttl-monitor',
  'ttl-backlog',
  'scratch',
  ...TRIALS,
] as const;

export type Topic = (typeof TOPICS)[number];

/**
 * `ok`: the promise holds. `warn`: it holds, with a limit that somebody should know. `fail`: it does not hold. `unknown`: it
 * could not be checked, and the text says why.
 */
export type FindingState = 'ok' | 'warn' | 'fail' | 'unknown';

/** A finding is one line of `latchkey doctor`. */
export interface Finding {
  readonly topic: Topic;
  /** The collection or the host that the finding is about, where there may be several. */
  readonly about: string | null;
  readonly state: FindingState;
  /** The text says what was found, and what that means for calls with a key. */
  readonly text: string;
  /** The command that mends it, or what else to do; null where nothing is to be mended. */
  readonly fix: string | null;
}
