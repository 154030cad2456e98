import type { ExecutionArgs, ExecutionResult, GraphQLError } from 'graphql';
import { earliest } from '../../../server/http/expires-header.ts';
import type { Idempotency } from '../../../server/idempotency.ts';
import { executeKeyed } from '../call/keyed-execution.ts';
import type { KeyedMutation } from '../call/keyed-mutation.ts';
import { Variables } from '../document/external-value.ts';
import { fragmentsOf, operationOf } from '../document/per-operation.ts';
import { type FieldNodes, isCall, partOf, type RootFields, rootFields } from '../document/root-fields.ts';
import { refusedField } from '../host/errors.ts';
import type { Execute, Result } from '../host/plugin.ts';
import type { FieldCalls } from './field-calls.ts';
import { failed, located } from './field-failure.ts';
import { MergedResult } from './merged-result.ts';

export interface FieldsAnswer {
  readonly value: ExecutionResult;
  /** Response keys, of the fields that were answered from a record. */
  readonly replayed: readonly string[];
  /** True when every field that was executed was answered from a record. */
  readonly allReplayed: boolean;
  /** The first of the replays ends at this time; undefined where one of them does not tell. */
  readonly expiresAt: Date | undefined;
}

/** A `Part` is executed at a time: one field with a key, or neighbouring fields without. */
interface Part {
  readonly call: KeyedMutation | undefined;
  readonly fields: Map<string, FieldNodes>;
}

/**
 * Executes a mutation in parts, one after the other as its whole would be: each field with a key is claimed, run and
 * stored on its own. Ends where the execution of the whole would: when a field that must not be null has none.
 * @param unkeyed how the fields without a key are executed
 * @throws whatever the execution of a part throws that is no refusal; what ran before is in its records
 */
export async function executeFieldByField(
  idempotency: Idempotency,
  calls: FieldCalls,
  carriers: readonly unknown[],
  { keyed, unkeyed }: { readonly keyed: Execute; readonly unkeyed: Execute },
  args: ExecutionArgs,
): Promise<FieldsAnswer> {
  const operation = operationOf(args.document, args.operationName);
  if (!operation) throw new TypeError('Expected the operation to be in the document still');
  // The fields of this document count, not of the one that the calls were made from: a plugin in between may have added to the selection.
  const variables = new Variables(operation, args.variableValues);
  const fields = rootFields(operation, fragmentsOf(args.document), variables);
  const merged = new MergedResult();
  const replayed: string[] = [];
  const expiries: (Date | undefined)[] = [];
  let executed = 0;

  for (const part of partsOf(fields, calls)) {
    const nodes = [...part.fields.values()].flat();
    const partArgs = { ...args, document: partOf(args.document, operation, nodes).document };
    const result = part.call ? await once(part, part.call, partArgs) : await unkeyed(partArgs);
    if (Symbol.asyncIterator in result) throw new TypeError('Expected one result, got a stream');
    executed += [...part.fields.values()].filter(isCall).length;
    if (result.data !== undefined) merged.add(result);
    else if (merged.isEmpty) return { value: result, replayed: [], allReplayed: false, expiresAt: undefined };
    else merged.add(failedPart(part, result));
    if (merged.isNull) break;
  }
  const allReplayed = replayed.length === executed;
  return { value: merged.result(), replayed, allReplayed, expiresAt: earliest(expiries) };

  async function once(part: Part, call: KeyedMutation, partArgs: ExecutionArgs): Promise<Result> {
    try {
      const answer = await executeKeyed(idempotency, call, carriers, keyed, partArgs);
      if (answer.replayed) {
        replayed.push(...part.fields.keys());
        expiries.push(answer.expiresAt);
      }
      return answer.value;
    } catch (error) {
      return failedPart(part, { errors: [refusedField(error)] });
    }
  }

  /** A part that was not begun, after others were. */
  function failedPart(part: Part, { errors = [], ...rest }: ExecutionResult): ExecutionResult {
    const [first] = part.fields;
    const placed = errors.map((error) => (first ? located(error as GraphQLError, ...first) : error));
    return { ...rest, ...failed(args.schema, part.fields, placed) };
  }
}

function partsOf(fields: RootFields, calls: FieldCalls): readonly Part[] {
  const parts: Part[] = [];
  for (const [responseKey, nodes] of fields) {
    const call = calls.get(responseKey);
    const last = parts.at(-1);
    if (last && !last.call && !call) last.fields.set(responseKey, nodes);
    else parts.push({ call, fields: new Map([[responseKey, nodes]]) });
  }
  return parts;
}
