/**
 * `Jsonify<T>` is what JSON gives back of a `T`: a Date as its text, what `toJSON` makes of an object, no functions. It is `never` where JSON
 * can not hold the value: a bigint, a symbol, a Map or a Set.
 */
export type Jsonify<T> = unknown extends T
  ? T
  : // biome-ignore lint/suspicious/noConfusingVoidType: what a function without a result returns
    T extends string | number | boolean | null | undefined | void
    ? T
    : T extends { toJSON(...key: never): infer Text }
      ? Jsonify<Text>
      : T extends
            | bigint
            | symbol
            | ReadonlyMap<unknown, unknown>
            | ReadonlySet<unknown>
            | ((...args: never) => unknown)
        ? never
        : T extends readonly unknown[]
          ? { [Index in keyof T]: Jsonify<T[Index]> }
          : { [Name in keyof T as JsonName<Name, T[Name]>]: Jsonify<T[Name]> };

/** JSON leaves out functions, symbols, and what a symbol names. */
type JsonName<Name, Value> = Name extends symbol
  ? never
  : Value extends symbol | ((...args: never) => unknown)
    ? never
    : Name;
