/**
 * The session of a transaction: an object of the host's own driver. `latchkey/mongodb` gives it the members of that
 * driver's `ClientSession`, so that it can be passed on as one.
 */
export interface Session {
  /** Tells whether the session's transaction is open. */
  inTransaction(): boolean;
}
