import type { ExecutionResult, GraphQLError } from 'graphql';
import { written } from '../../../server/bodies/written.ts';
import type { ResultCodec } from '../../../server/call.ts';
import { withoutNames } from '../../../server/redact.ts';
import type { Mutation } from '../document/operation.ts';
import { type Mask, rebuiltError, type StoredError, storedError } from '../host/error-codec.ts';
import type { Result } from '../host/plugin.ts';
import { asGraphQLError, startOf, wasThrown } from './start.ts';

/**
 * Makes the codec of `graphql/1`: the result as JSON text, its keys in their order, as it went over the wire; only errors have a
 * form of their own. It is text, because BSON would change what JSON keeps: `$` and dots in names, Dates, `undefined`.
 * @param failure what an `onAbandoned` function's `fail` stands for
 */
export function resultCodec(
  mutation: Mutation,
  mask: Mask | undefined,
  failure: (error: GraphQLError) => ExecutionResult = (error) => ({ errors: [error], data: null }),
): ResultCodec<Result> {
  return {
    format: 'graphql/1',

    encode(result, hides) {
      if (isStream(result)) return { outcome: 'success', body: undefined, started: true, result };
      const { errors, data } = result;
      const outcome = data === undefined || (errors && errors.length > 0) ? 'error' : 'success';
      const started = startOf(result);
      if (wasThrown(result)) return { outcome, body: undefined, started, result };
      const write = () => {
        const stored = {
          ...result,
          ...(data != null && { data: mutation.asked(data) }),
          errors: errors?.map((error) => storedError(error, mask)),
        };
        const shown = hides ? withoutNames(stored, mutation.hidesInAnswer(hides)) : stored;
        return { body: JSON.stringify(shown), redacted: shown !== stored };
      };
      return { outcome, ...written(write), started, result };
    },

    decode(body) {
      const stored = JSON.parse(body) as StoredResult;
      if (stored.data === undefined && !stored.errors)
        throw new TypeError('Expected a stored result to have data or errors');
      const { errors, ...result } = stored;
      // `errors` keeps its place among the keys, which come out in their order.
      return errors ? { ...stored, errors: errors.map(rebuiltError) as GraphQLError[] } : result;
    },

    resolve(resolution) {
      if (resolution.action === 'complete')
        return { data: mutation.asked(mutation.dataOf(resolution.data)) as Record<string, unknown> };
      return failure(asGraphQLError(resolution.error));
    },
  };
}

type StoredResult = Omit<ExecutionResult, 'errors'> & { errors?: StoredError[] };

function isStream(result: Result): result is AsyncIterable<ExecutionResult> {
  return Symbol.asyncIterator in result;
}
