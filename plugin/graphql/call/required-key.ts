import type { MaybePromise } from '../../../server/engine/maybe-promise.ts';
import { isSwitchedOn } from '../../../server/engine/yes-or-no.ts';
import { isNested } from '../../../server/run/run.ts';
import type { RootCall } from '../document/operation.ts';
import { belongsToRun, type Shown } from '../host/client-request.ts';
import { type CallParts, fieldCall, operationCall } from './call-object.ts';
import type { FieldPolicies } from './field-policies.ts';
import type { GraphQLCall } from './graphql-call.ts';

interface Requirements<Context> {
  readonly parts: CallParts<Context>;
  readonly shown: Shown;
  /** The mutations that need a key by the schema. */
  readonly bySchema: ReadonlySet<string>;
  readonly ofAll: boolean | ((call: GraphQLCall<Context>) => MaybePromise<boolean>);
  readonly policies: FieldPolicies;
}

/**
 * Tells whether one of these fields, which have no key, needs one: by the schema, by its own `require`, or else by that of all. What the
 * code inside of a run executes with what it has at hand is the server's own doing, not a client's, and needs none.
 */
export async function isKeyRequired<Context>(
  calls: readonly RootCall[],
  { parts, shown, bySchema, ofAll, policies }: Requirements<Context>,
): Promise<boolean> {
  if (calls.length === 0 || (isNested() && belongsToRun(shown))) return false;
  if (calls.some(({ field }) => bySchema.has(field))) return true;
  const others: RootCall[] = [];
  for (const call of calls) {
    const { require } = policies.functions(call.field);
    if (require === undefined) others.push(call);
    else if (await isSwitchedOn('require', require, () => fieldCall(parts, call) as never)) return true;
  }
  if (others.length === 0) return false;
  return await isSwitchedOn('require', ofAll, () => operationCall(parts, others));
}
