/** An `Address` says which record is meant. */
export interface Address {
  /** Whose key it is. */
  readonly scope: string;
  /** The key, as the client sent it. */
  readonly key: string;
}

/** An address as the key of a Map. A scope may hold any character, so no separator would do. */
export const idOf = ({ scope, key }: Address): string => `${scope.length}:${scope}${key}`;
