/** A `Receipt` is what a payment answers with. */
export interface Receipt {
  readonly scope: string;
  readonly key: string;
  readonly amount: number;
  /** The fencing token of the run that made the effect. */
  readonly fence: number;
  /** Which call of the handler made the effect, where the run of a transaction may call it several times. Undefined where that is not known. */
  readonly attempt?: number;
}

/** A document of the store, as far as a source knows it. */
export type Fields = Readonly<Record<string, unknown>>;

/** `Rules` are what the policy of a key says, as far as promises depend on it. */
export interface Rules {
  /** A crash may run the effect again: the policy says `onCrash: 'retry'`, and the effect does not know its repetition. */
  readonly mayRepeat: boolean;
  /** The effect is a write of the transaction that stores the outcome. */
  readonly isTransaction: boolean;
  /**
   * A run may go on for so long, in ms, after it has lost its key. It is 0 where the server's clock is true: a run can not know before its
   * next renewal that this clock was set.
   */
  readonly graceMs: number;
}

/** One call that a client sent. */
export interface Sent {
  readonly at: number;
  readonly amount: number;
  readonly to: string;
}

/** What a client got for one attempt of its call. */
export interface Answered {
  readonly at: number;
  /** The store was not asked for this answer before. Undefined where that is not known. */
  readonly askedAt?: number;
  readonly amount: number;
  readonly from: string;
  readonly receipt?: Receipt;
  /** The receipt as it came: retries must get the same text. */
  readonly text?: string;
  /** The code of an error of ours, or what else was thrown. */
  readonly error?: string;
  /** The fencing token of the run that this attempt made; undefined where the answer is a replay. */
  readonly ran: number | undefined;
  /** The client asked when everything worked again. */
  readonly isFinal: boolean;
}

/** An `Effect` is one charge of a customer, as the provider or the ledger has it. */
export interface Effect extends Receipt {
  readonly at: number;
  readonly by: string;
}

/** What a server process told of a run, by `onEvent`. */
export interface Told {
  readonly at: number;
  readonly by: string;
  readonly type: string;
  readonly fence?: number;
  readonly reason?: string;
}

/** One change of a record that a majority had. */
export interface Written {
  /** The change was made not earlier than this, and not later than `at`. */
  readonly from: number;
  readonly at: number;
  readonly before: Fields | null;
  /** Null where the record was removed. */
  readonly after: Fields | null;
  /** What the record answers with, once it is completed. */
  readonly answer?: Receipt;
  /** The primary's clock when it was written, in ms. */
  readonly now: number;
}

/** Everything that is known of one key, each list in the order of its times. */
export interface KeyHistory {
  readonly scope: string;
  readonly key: string;
  readonly rules: Rules;
  readonly sent: readonly Sent[];
  readonly answers: readonly Answered[];
  readonly effects: readonly Effect[];
  readonly told: readonly Told[];
  readonly written: readonly Written[];
  /** Calls to living processes that never ended. */
  readonly hanging: readonly Sent[];
  /** Says why a key may be in doubt that answered so; undefined where nothing had happened that explains it. */
  excuse(answer: Answered): string | undefined;
}

export const nameOf = ({ scope, key }: { readonly scope: string; readonly key: string }) => `${scope}/${key}`;
