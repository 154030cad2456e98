/** Says why a run has released its key. The `detail` beside it is for people. A minor release may add a word. */
export type ReleaseReason =
  /** The adapter refused the call itself, before your handler was called. */
  | 'not_started'
  /** The handler called `run.release`. */
  | 'asked'
  /** `classify` said so. */
  | 'classified'
  /** The handler of a transaction rejected, so nothing of it was kept. */
  | 'handler_rejected'
  /** A transaction could not be committed in time. */
  | 'out_of_time'
  /** MongoDB had given up the transaction in each of several runs. */
  | 'transaction_gone'
  /** The store did not answer, so a transaction was not begun or not committed. */
  | 'store_unavailable';

/** Says why a run is in doubt. The `detail` beside it is for people. A minor release may add a word. */
export type DoubtReason =
  /** A claim found the run with a lapsed lease: its process died, was cut off or stood still. */
  | 'lease_lapsed'
  /** The handler called `run.inDoubt`. */
  | 'asked'
  /** `classify` said so. */
  | 'classified'
  /** `classify` threw, or returned what it may not. */
  | 'classify_failed'
  /** The call ended without an outcome of the handler. */
  | 'outcome_unknown'
  /** The handler rejected, or its outcome could not be told. */
  | 'handler_rejected'
  /** The handler failed after its lease was lost. */
  | 'lease_lost'
  /** The run took longer than `maxRunMs`. */
  | 'max_run'
  /** A step ended, and the record does not tell. */
  | 'step_not_recorded'
  /** The handler ended the transaction of `run.session` itself. */
  | 'transaction_ended'
  /** `resolve` left the key in doubt. */
  | 'resolver_left'
  /** `resolve` threw, or gave nothing usable. */
  | 'resolver_failed'
  /** `resolve` took longer than the lease. */
  | 'resolver_timeout';

/** Says why a lease was lost. */
export type LeaseLossReason = 'expired' | 'taken_over' | 'max_run';
