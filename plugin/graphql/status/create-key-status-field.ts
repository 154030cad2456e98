import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { anIdempotencyOf, type IdempotencyOf } from '../../../server/adapter/idempotency-of.ts';
import { askStatus } from '../../../server/ask-status.ts';
import { checkOptions } from '../../../server/engine/check-options.ts';
import { aFunction, type Check, integer, required } from '../../../server/engine/option-checks.ts';
import { graphqlFormat } from '../../../server/formats/graphql.ts';
import { type KeyStatus, LONGEST_WAIT_MS } from '../../../server/key-status.ts';
import { signalOf } from '../host/client-request.ts';
import { rebuiltError } from '../host/error-codec.ts';
import { refusedField } from '../host/errors.ts';

/** The result of the first call, as it went over the wire. */
export interface GraphQLStoredResult {
  /** The fields that the first client asked for; null or absent where there are none. */
  readonly data?: Readonly<Record<string, unknown>> | null;
  /** The errors, as the first client got them. */
  readonly errors?: readonly GraphQLFormattedError[];
  /** The extensions that were stored with it. */
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** Options of {@link createKeyStatusField}. */
export interface KeyStatusFieldOptions<Context> {
  /** What `createIdempotency` returned: the one that the mutations use. A function gives that of the caller, for a store for each tenant. */
  idempotency: IdempotencyOf<{ readonly context: Context }>;
  /**
   * Says whose key it is, by the same rule as the `scope` of `useIdempotency`. Nothing (null, undefined, '') is IDEMPOTENCY_SCOPE_MISSING.
   * @example
   * scope: ({ context }) => context.user?.id
   */
  scope: (call: {
    readonly context: Context;
  }) => string | null | undefined | Promise<string | null | undefined>;
  /**
   * Decides whether the caller may know of this key. False is the state UNKNOWN, as for a key that is not there. It is asked for each
   * question; where nothing is known, `operation` is undefined and the verdict changes nothing.
   * @default everybody of the scope may
   * @example
   * authorizeReplay: ({ context, operation }) => operation !== 'paySalaries' || context.user.isBookkeeper
   */
  authorizeReplay?: (question: GraphQLQuestion<Context>) => boolean | Promise<boolean>;
  /**
   * A client may wait for so many ms, by the argument `waitMs`; 0 for not at all.
   * @default 10_000
   */
  maxWaitMs?: number;
}

/** `authorizeReplay` is shown this. */
export interface GraphQLQuestion<Context> {
  /** The context of the caller who asks. */
  readonly context: Context;
  /** The scope of that caller. */
  readonly scope: string | null | undefined;
  /** The key that is asked about. */
  readonly key: string;
  /** The root fields that were run with the key, as the record names them: `chargeCard`. */
  readonly operation: string | undefined;
}

const CHECKS: Readonly<Record<keyof KeyStatusFieldOptions<never>, Check>> = {
  idempotency: anIdempotencyOf,
  scope: required(aFunction, '({ context }) => context.user?.id'),
  authorizeReplay: aFunction,
  maxWaitMs: integer(0, LONGEST_WAIT_MS),
};

const TYPE_DEFS = /* GraphQL */ `
"""
The result of a GraphQL operation as JSON: data, errors and extensions as the first call was answered.
"""
scalar IdempotencyResult

enum IdempotencyKeyState {
  """
  It happened, or failed for good: result is what the first call was answered with.
  """
  COMPLETED
  """
  A run is under way.
  """
  RUNNING
  """
  A run ended, and nobody knows whether its effect happened.
  """
  IN_DOUBT
  """
  A run ended without an effect: the same key may be sent again.
  """
  RELEASED
  """
  Nothing is known of this key, or nothing that the caller may know.
  """
  UNKNOWN
}

enum IdempotencyOutcome {
  SUCCESS
  ERROR
}

type IdempotencyKeyStatus {
  state: IdempotencyKeyState!
  """
  How the first call ended. Null unless it has completed.
  """
  outcome: IdempotencyOutcome
  result: IdempotencyResult
  """
  Why a completed call has no result to show, such as "not_kept".
  """
  withheld: String
}

extend type Query {
  """
  Says what became of a mutation with this key, and runs nothing.
  """
  idempotencyKey(
    key: String!
    """
    Waits so many ms for a run under way.
    """
    waitMs: Int = 0
  ): IdempotencyKeyStatus!
}
`;

/** What a resolver of `IdempotencyKeyStatus` gives, in the words of its schema. */
export interface GraphQLKeyStatus {
  /** What became of the key. */
  readonly state: 'COMPLETED' | 'RUNNING' | 'IN_DOUBT' | 'RELEASED' | 'UNKNOWN';
  /** How the first call ended, where the state is `COMPLETED`. */
  readonly outcome?: 'SUCCESS' | 'ERROR';
  /** What the first call was answered with; absent where `withheld` says why. */
  readonly result?: GraphQLStoredResult | undefined;
  /** Says why there is no result to show, such as `not_kept`. */
  readonly withheld?: string | undefined;
}

/** The two parts that a schema is made of. */
export interface KeyStatusField<Context> {
  /** The SDL of the field and its types. */
  readonly typeDefs: string;
  /** The resolver of the field. */
  readonly resolvers: {
    readonly Query: {
      readonly idempotencyKey: (
        parent: unknown,
        args: { readonly key: string; readonly waitMs?: number | null },
        context: Context,
      ) => Promise<GraphQLKeyStatus>;
    };
  };
}

/**
 * Makes a field that says what became of a mutation with a key, for a client that lost the answer: add it to your schema. Nothing
 * is run by it. A schema that is made by code can use `resolvers.Query.idempotencyKey` in a field of its own.
 *
 * @example
 * const keyStatus = createKeyStatusField<Context>({ idempotency, scope: ({ context }) => context.user?.id })
 * createSchema({ typeDefs: [typeDefs, keyStatus.typeDefs], resolvers: [resolvers, keyStatus.resolvers] })
 * @throws TypeError for an option that is unknown or out of range
 */
export function createKeyStatusField<Context extends object>(
  options: KeyStatusFieldOptions<Context>,
): KeyStatusField<Context> {
  checkOptions<KeyStatusFieldOptions<Context>>(options, CHECKS, { of: 'createKeyStatusField' });

  return {
    typeDefs: TYPE_DEFS,
    resolvers: {
      Query: {
        async idempotencyKey(_parent, { key, waitMs }, context) {
          const signal = signalOf(context);
          try {
            const question = { call: { context }, key, reader, waitMs: waitMs ?? 0, signal };
            return inWordsOfSchema(await askStatus(options, question));
          } catch (error) {
            if (signal?.aborted) return { state: 'RUNNING' }; // nobody gets it
            throw refusedField(error);
          }
        },
      },
    },
  };
}

const reader = {
  format: graphqlFormat.name,
  decode(body: string): GraphQLStoredResult {
    const { errors, extensions, ...result } = graphqlFormat.readResult(body);
    return {
      // Errors first, as executors have them.
      ...(errors && { errors: errors.map((error) => formatted(rebuiltError(error))) }),
      ...result,
      ...shown(extensions),
    };
  },
};

/** An error as JSON; those of remote executors may be anything. */
function formatted(error: unknown): GraphQLFormattedError {
  if (!(error instanceof GraphQLError)) return error as GraphQLFormattedError;
  const { extensions, ...json } = error.toJSON();
  return { ...json, ...shown(extensions) };
}

/** Leaves out what a server tells itself by extensions, as Yoga does: the status and headers, and whether masking is to look at it. */
function shown(extensions: Readonly<Record<string, unknown>> = {}): { extensions?: Record<string, unknown> } {
  const { http, unexpected, ...rest } = extensions;
  return Object.keys(rest).length > 0 ? { extensions: rest } : {};
}

function inWordsOfSchema(status: KeyStatus<GraphQLStoredResult>): GraphQLKeyStatus {
  const state = status.state.toUpperCase() as GraphQLKeyStatus['state'];
  if (status.state !== 'completed') return { state };
  const { outcome, result, withheld } = status;
  return { state, outcome: outcome.toUpperCase() as 'SUCCESS' | 'ERROR', result, withheld };
}
