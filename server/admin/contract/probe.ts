import type { ShownState } from './contract.ts';

/** A `ProbedRecord` is what a probe is asked about: a key, and what its run sent to other services. */
export interface ProbedRecord {
  /** The id of the record. */
  readonly recordId: string;
  /** The scope of the key: whose it is. */
  readonly scope: string;
  /** The key, as the client sent it. */
  readonly key: string;
  /** The name of the operation: `chargeCard`, `orders.create`, `POST /payments`. */
  readonly operation: string;
  /** The state by the clock of the database. */
  readonly state: ShownState;
  /** The run was this attempt: 1 for the first run of the key. */
  readonly attempt: number;
  /** The run began at this time. */
  readonly startedAt: Date;
  /** The reason for which the key was left in doubt; undefined where the record does not tell. */
  readonly reason: string | undefined;
  /** The names of the steps that the key's runs have finished, in that order. */
  readonly finishedSteps: readonly string[];
  /** This signal aborts when the probe has taken longer than 10 seconds. */
  readonly signal: AbortSignal;
  /** Gives the key that `run.downstreamKey(name)` gave to the run: ask the other service by it. */
  downstreamKey(name: string): string;
}

/** A `ProbeAnswer` is what another service knows of an effect. */
export interface ProbeAnswer {
  /** Tells whether the effect is there; null where the service does not know (yet). */
  readonly found: boolean | null;
  /** The sentence says what was found, for the operator and the audit: `ch_1 of 5,000 EUR, succeeded`. */
  readonly summary: string;
  /**
   * *Mark completed* can take this over as the response: for GraphQL the whole `data` object, for tRPC what the procedure returns, for HTTP
   * the JSON body.
   * @default nothing to take over
   */
  readonly data?: unknown;
  /**
   * The page at the service; it has to be an address of http or https.
   * @default no link
   */
  readonly link?: string;
}

/**
 * A `Probe` asks another service whether an effect happened. It only reads: it is asked whenever an operator looks, also twice at once. One that
 * throws, answers unusably or takes longer than 10 seconds leaves the doubt, and the page says so.
 * @experimental
 */
export type Probe = (record: ProbedRecord) => ProbeAnswer | Promise<ProbeAnswer>;
