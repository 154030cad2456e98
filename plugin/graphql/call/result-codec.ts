import type { ExecutionResult, GraphQLError } from 'graphql';
import { writeDown } from '../../../server/bodies/write-down.ts';
import type { ResultCodec } from '../../../server/call.ts';
import { graphqlFormat } from '../../../server/formats/graphql.ts';
import { withoutNames } from '../../../server/formats/redact.ts';
import type { Mutation } from '../document/operation.ts';
import { type Mask, rebuiltError, storedError } from '../host/error-codec.ts';
import type { Result } from '../host/plugin.ts';
import { FieldValues } from './resolver.ts';
import { asGraphQLError, startOf, wasThrown } from './start.ts';

/**
 * Makes the codec of a mutation: it stores what the mutation asks for of the result, and errors as clients may see them.
 * @param failure what a `resolve` function's `fail` stands for
 */
export function resultCodec(
  mutation: Mutation,
  mask: Mask | undefined,
  failure: (error: GraphQLError) => ExecutionResult = (error) => ({ errors: [error], data: null }),
): ResultCodec<Result> {
  return {
    format: graphqlFormat.name,

    encode(result, isHidden) {
      if (isStream(result)) return { outcome: 'success', body: undefined, started: true, result };
      const { errors, data } = result;
      const outcome = data === undefined || (errors && errors.length > 0) ? 'error' : 'success';
      const started = startOf(result);
      if (wasThrown(result)) return { outcome, body: undefined, started, result };
      const write = () => {
        const stored = {
          ...result,
          ...(data != null && { data: mutation.asked(data) as Record<string, unknown> }),
          errors: errors?.map((error) => storedError(error, mask)),
        };
        const shown = isHidden ? withoutNames(stored, mutation.hiddenInAnswer(isHidden)) : stored;
        return { body: graphqlFormat.writeResult(shown), redacted: shown !== stored };
      };
      return { outcome, ...writeDown(write), started, result };
    },

    decode(body) {
      const stored = graphqlFormat.readResult(body);
      const { errors, ...result } = stored;
      // `errors` keeps its place among the keys, which come out in their order.
      return errors ? { ...stored, errors: errors.map(rebuiltError) as GraphQLError[] } : result;
    },

    resolve(resolution) {
      if (resolution.action === 'complete') {
        const { data } = resolution;
        const values = data instanceof FieldValues ? data.byResponseKey : mutation.dataOf(data);
        return { data: mutation.given(values) };
      }
      return failure(asGraphQLError(resolution.error));
    },
  };
}

function isStream(result: Result): result is AsyncIterable<ExecutionResult> {
  return Symbol.asyncIterator in result;
}
