/** A `viewer` looks; an `operator` also reveals secrets and acts on keys; an `admin` also does what nothing can make good again. */
export type Role = 'viewer' | 'operator' | 'admin';

/**
 * The scopes of an operator: a list of scopes, exactly as the adapter's `scope` gives them; or those of one tenant. `{ under: 'org_1' }` is
 * the scope `org_1`, and all that `scopeOf('org_1', …)` makes, which begin with `org_1/`; it is not `org_10`.
 */
export type OperatorScopes = readonly string[] | { readonly under: string };

/** An operator is what `authorize` says of a request. Without `scopes` the operator sees all. */
export interface Operator {
  /** Names the operator in the audit: an address, a user's id. */
  readonly id: string;
  /** Says what the operator may do. */
  readonly role: Role;
  /**
   * The operator sees and touches the keys of these scopes only.
   * @default all scopes
   * @example
   * scopes: ['org_1/ada', 'org_1/bob']
   * @example
   * scopes: { under: scopeOf(org.id) }
   */
  readonly scopes?: OperatorScopes;
}

/** An actor is an operator, and how the command came. */
export interface Actor extends Operator {
  /**
   * The text says how the command came, when it was not from the dashboard's page: `command line, as root on host-1`.
   */
  readonly via?: string;
}
