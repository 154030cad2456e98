/**
 * `AnyMutations` stands where no map of the mutations is given: a field may have any name, and its arguments are `unknown`.
 */
export interface AnyMutations {
  /** A mutation by its name. */
  readonly [name: string]: (parent: never, args: Readonly<Record<string, unknown>>) => unknown;
}

/** The names of the mutations in a map such as codegen's `Resolvers['Mutation']`. */
export type MutationName<Mutations> = Exclude<keyof NonNullable<Mutations>, `__${string}`> & string;

/** What a resolver in such a map takes and gives: a function, or an object with `resolve`. */
type Signature<Resolver> = Resolver extends (
  parent: never,
  args: infer Args,
  context: never,
  info: never,
) => infer Result
  ? { readonly args: Args; readonly data: Awaited<Result> }
  : Resolver extends { readonly resolve: infer Resolve }
    ? Signature<Resolve>
    : never;

type SignatureOf<Mutations, Name extends MutationName<Mutations>> = Signature<
  NonNullable<NonNullable<Mutations>[Name]>
>;

/** The coerced arguments of a mutation, as its resolver gets them. */
export type MutationArgs<Mutations, Name extends MutationName<Mutations>> = [
  SignatureOf<Mutations, Name>,
] extends [never]
  ? Readonly<Record<string, unknown>>
  : SignatureOf<Mutations, Name>['args'];

/** The value of a mutation: what its resolver gives, of which a client selects a part. */
export type MutationData<Mutations, Name extends MutationName<Mutations>> = [
  SignatureOf<Mutations, Name>,
] extends [never]
  ? unknown
  : SignatureOf<Mutations, Name>['data'];

/** A root field that an operation calls. With a map of the mutations, `name` tells which `args` there are. */
export type CalledField<Mutations> = {
  [Name in MutationName<Mutations>]: {
    /** The name in the schema, whatever the alias is. */
    readonly name: Name;
    /** The arguments by name, coerced by the schema: as the resolver gets them. */
    readonly args: MutationArgs<Mutations, Name>;
  };
}[MutationName<Mutations>];

/**
 * Each function in the options of `useIdempotency` is shown this object: the mutation that a client asks for.
 *
 * Arguments are coerced when a function reads them. Where they are not what the schema declares, reading them ends the operation with
 * GraphQL's own error; nothing runs, and its key stays free.
 */
export interface GraphQLCall<Context, Mutations = AnyMutations> {
  /** The context of the execution, as Yoga or Envelop made it. */
  readonly context: Context;
  /** The name of the operation in the record: its root fields, `chargeCard, ship`. */
  readonly operation: string;
  /** The client's name for the operation, if it has one. */
  readonly operationName: string | undefined;
  /** The root fields that are executed, in order; `require` is shown those that have no key. */
  readonly fields: readonly CalledField<Mutations>[];
  /** The key that the client sent: for the operation, or by `@idempotent` for the field that is asked about. */
  readonly clientKey: string | undefined;
}

/** The functions of one field are shown this: the call, and which field of it they are asked about. */
export interface GraphQLFieldCall<
  Context,
  Mutations = AnyMutations,
  Name extends MutationName<Mutations> = MutationName<Mutations>,
> extends GraphQLCall<Context, Mutations> {
  /** The name of that field in the schema. */
  readonly field: Name;
  /** The arguments of that field, coerced. */
  readonly args: MutationArgs<Mutations, Name>;
}

/** What is known of a call once it has a key. */
export interface KeyOfCall {
  /** The scope of the key, as the `scope` function gave it. */
  readonly scope: string;
  /** The key of the call. */
  readonly key: string;
}

/** True lets the answer through, false is IDEMPOTENCY_REPLAY_FORBIDDEN; a GraphQLError that it throws is given instead. */
export type AuthorizeReplay<Call> = (call: Call) => boolean | Promise<boolean>;
