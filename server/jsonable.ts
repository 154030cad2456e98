/**
 * `T`, with `never` at whatever JSON would give back as something else: a Date, a Map, a bigint, anything with methods.
 * For a parameter: what is passed must be assignable to it.
 */
// biome-ignore lint/suspicious/noConfusingVoidType: what a function without a result returns
export type Jsonable<T> = T extends string | number | boolean | null | undefined | void
  ? T
  : T extends bigint | symbol | ((...args: never) => unknown) | { toJSON(): unknown }
    ? never
    : T extends object
      ? { [K in keyof T]: Jsonable<T[K]> }
      : never;
