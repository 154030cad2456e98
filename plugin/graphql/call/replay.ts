import { GraphQLError } from 'graphql';
import { refusalWith } from '../../../server/engine/errors.ts';
import { yesOrNo } from '../../../server/engine/yes-or-no.ts';
import { type CallParts, fieldCall, operationCall } from './call-object.ts';
import type { FieldPolicies } from './field-policies.ts';
import type { AuthorizeReplay, GraphQLCall, KeyOfCall } from './graphql-call.ts';

/**
 * The developer's `authorizeReplay` functions, as the call of one mutation has them: each field is asked about once, by its own function or
 * else by that of all; null asks nobody about it.
 * @returns undefined where nobody is asked
 */
export function authorization<Context>(
  policies: FieldPolicies,
  ofAll: AuthorizeReplay<GraphQLCall<Context> & KeyOfCall> | null | undefined,
  parts: CallParts<Context>,
  known: KeyOfCall,
): (() => Promise<boolean>) | undefined {
  const { calls } = parts.mutation;
  const own = calls.filter(({ field }) => policies.functions(field).authorizeReplay);
  const isOthers = calls.some(({ field }) => policies.functions(field).authorizeReplay === undefined);
  const asked = isOthers ? ofAll : undefined;
  if (own.length === 0 && !asked) return undefined;
  return async () => {
    try {
      for (const call of own) {
        const { authorizeReplay } = policies.functions(call.field);
        const answer: unknown = await authorizeReplay?.(fieldCall(parts, call, known) as never);
        if (!yesOrNo('authorizeReplay', answer)) return false;
      }
      return !asked || yesOrNo('authorizeReplay', await asked(operationCall(parts, undefined, known)));
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      throw refusalWith('IDEMPOTENCY_REPLAY_FORBIDDEN', { message: error.message, cause: error });
    }
  };
}
