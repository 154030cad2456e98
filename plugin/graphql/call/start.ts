import { type ExecutionResult, GraphQLError } from 'graphql';
import type { Encoded } from '../../../server/call.ts';

/**
 * These sets mark results by how they came about, for the rule of `Encoded.started`: only what we refused ourselves was
 * not started. The GraphQL specification has no `data` for an operation that was not begun, but a remote server that lost its
 * answer has none either, and neither has a run whose result a plugin has rewritten.
 */
const refusedBefore = new WeakSet<object>();
const thrown = new WeakSet<object>();

/** The answer to an operation whose executor was not called. */
export function notStarted(result: ExecutionResult): ExecutionResult {
  refusedBefore.add(result);
  return result;
}

/** Makes a result of an error that the executor threw. The error is thrown again once the record is settled. */
export function thrownResult(error: unknown): ExecutionResult {
  const result = { errors: [asGraphQLError(error)] };
  thrown.add(result);
  return result;
}

/** Tells whether a result stands for a thrown error, which can not be replayed. */
export const wasThrown = (result: ExecutionResult): boolean => thrown.has(result);

export function startOf(result: ExecutionResult): Encoded['started'] {
  if (refusedBefore.has(result)) return false;
  if (result.data !== undefined) return true;
  return { unknown: wasThrown(result) ? 'the executor threw' : 'the executor answered without data' };
}

export function asGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const originalError = error instanceof Error ? error : new Error(String(error));
  return new GraphQLError(originalError.message, { originalError });
}
