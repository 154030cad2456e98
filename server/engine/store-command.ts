/** A `StoreCommand` is one command that a store has sent, as those who measure it see it. */
export interface StoreCommand {
  /**
   * What the command is for: `claim` a key that is new, `reclaim` one whose record is there, `settle` what belongs to runs (completions,
   * releases, renewals, steps), `release` claims that were given up, `read` records. The claim of a key that this process has lately seen is
   * a `read` first, and no more where it is a replay.
   */
  readonly command: 'claim' | 'reclaim' | 'settle' | 'release' | 'read';
  /** So many writes, or records that were asked for, shared the command. */
  readonly size: number;
  /** So many of the writes had been sent before. */
  readonly again: number;
  /** The time from sending the command to its answer, or to giving up on one, in ms. */
  readonly durationMs: number;
  /** How it failed; absent where the server answered. `timeout`: no answer came in time. `error`: the answer was an error. */
  readonly failure?: 'timeout' | 'error';
}

/** Hears of each command of a store. */
export type CommandListener = (command: StoreCommand) => void;
