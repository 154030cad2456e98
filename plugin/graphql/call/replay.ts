import { GraphQLError } from 'graphql';
import { IdempotencyError } from '../../../server/engine/errors.ts';
import type { Mutation, MutationOperation } from '../document/operation.ts';
import { plainFields } from '../document/plain-value.ts';

/** `authorizeReplay` is shown this: whose stored answer is about to be given, and to whom. */
export interface Replay<Context> extends MutationOperation {
  /** The context of the caller who is about to get the answer. */
  readonly context: Context;
  /** The root fields in order, each with its arguments as the client wrote them: not coerced, without the schema's defaults. */
  readonly calls: readonly { readonly field: string; readonly args: Readonly<Record<string, unknown>> }[];
  readonly scope: string;
  readonly key: string;
}

/** True lets the answer through, false is IDEMPOTENCY_REPLAY_FORBIDDEN; a GraphQLError that it throws is given instead. */
export type AuthorizeReplay<Context> = (replay: Replay<Context>) => boolean | Promise<boolean>;

/** The developer's `authorizeReplay`, as the call of one mutation has it. */
export function authorization<Context>(
  authorizeReplay: AuthorizeReplay<Context>,
  { name, fields, calls, variables }: Mutation,
  { context, scope, key }: Pick<Replay<Context>, 'context' | 'scope' | 'key'>,
): () => Promise<boolean> {
  return async () => {
    try {
      const shown = calls.map(({ field, args }) => ({ field, args: plainFields(args, variables) }));
      return await authorizeReplay({ context, name, fields, calls: shown, scope, key });
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      throw new IdempotencyError('IDEMPOTENCY_REPLAY_FORBIDDEN', error.message, { cause: error });
    }
  };
}
