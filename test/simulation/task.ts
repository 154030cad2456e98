import type { Share } from './in-shares.ts';

/** The sums of what was played. */
export type Counts = Readonly<Record<string, number>>;

/** Work that several processes can share. */
export interface Task {
  /** The work is on so many things. */
  readonly items: number;
  /** Does a share of it. Undefined: something was found that must not be, and has been shown. */
  readonly work: (share: Share) => Promise<Counts | undefined>;
  /** Tells what came of all of it, and returns the exit code. */
  readonly tell: (total: Counts, seconds: string) => number;
}
