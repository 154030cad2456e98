/** An `Address` says which record is meant. */
export interface Address {
  readonly scope: string;
  readonly key: string;
}

/** An address as the key of a Map. A scope may hold any character, so no separator would do. */
export const idOf = ({ scope, key }: Address): string => `${scope.length}:${scope}${key}`;
