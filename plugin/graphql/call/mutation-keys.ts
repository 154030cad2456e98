import { andThen, type MaybePromise } from '../../../server/engine/maybe-promise.ts';
import type { RootCall } from '../document/operation.ts';
import type { Shown } from '../host/client-request.ts';
import { unprotectable } from '../host/errors.ts';
import { checkVisible, developersKey } from '../host/key.ts';
import { type CallParts, fieldCall, operationCall } from './call-object.ts';
import type { FieldPolicies } from './field-policies.ts';
import type { MaybeText } from './field-policy.ts';
import type { GraphQLCall } from './graphql-call.ts';

/** `MutationKeys` says what of a mutation has a key: the whole operation, some of its fields (by response key), or nothing. */
export type MutationKeys =
  | { readonly of: 'operation'; readonly key: string }
  | { readonly of: 'fields'; readonly keys: ReadonlyMap<string, string> }
  | { readonly of: 'nothing' };

/** The client's request for one mutation, and who may give keys for it. */
interface KeySources<Context> {
  /** The call as functions see it; its `clientKey` is that of the operation. */
  readonly parts: CallParts<Context>;
  readonly shown: Shown;
  /** The adapter's `key`. */
  readonly key: ((call: GraphQLCall<Context>) => MaybePromise<MaybeText>) | null | undefined;
  readonly policies: FieldPolicies;
}

/**
 * Finds the keys of a mutation whose fields carry none. A function's word is final for what it is asked about.
 * @throws IdempotencyError IDEMPOTENCY_KEY_INVALID for a key that can not be used; reason `ambiguous` where the operation has a key, and
 * a function gives one of its fields another one
 */
export function mutationKeys<Context>(sources: KeySources<Context>): MaybePromise<MutationKeys> {
  const { parts, policies } = sources;
  const { calls } = parts.mutation;
  if (calls.length === 0) return { of: 'nothing' }; // each is skipped: there is nothing to protect
  if (calls.some(({ field }) => policies.functions(field).key !== undefined)) return keysByField(sources);
  return andThen(operationsWord(sources), (key) =>
    key === undefined ? { of: 'nothing' } : { of: 'operation', key },
  );
}

async function keysByField<Context>(sources: KeySources<Context>): Promise<MutationKeys> {
  const { parts, policies } = sources;
  const { calls } = parts.mutation;
  const words = new Map<string, string | undefined>();
  for (const call of calls) {
    if (policies.functions(call.field).key === undefined) continue;
    words.set(call.responseKey, await fieldsWord(sources, call, parts.clientKey));
  }
  const hasOther = words.size < calls.length;
  const ofOperation = hasOther ? await operationsWord(sources) : parts.clientKey;
  const keys = new Set(
    calls.map(({ responseKey }) => (words.has(responseKey) ? words.get(responseKey) : ofOperation)),
  );
  const [only] = keys;
  if (keys.size === 1 && only === undefined) return { of: 'nothing' };
  if (keys.size === 1 && only !== undefined && (only === ofOperation || calls.length === 1))
    return { of: 'operation', key: only };
  if (hasOther && ofOperation !== undefined) throw differentKeys([...words.keys()]);
  return { of: 'fields', keys: given(words) };
}

/**
 * Finds the keys of a mutation of which some fields carry `@idempotent`.
 * @param ofClient by response key
 */
export async function directiveKeys<Context>(
  sources: KeySources<Context>,
  ofClient: ReadonlyMap<string, string>,
): Promise<MutationKeys> {
  const keys = new Map<string, string | undefined>();
  for (const call of sources.parts.mutation.calls) {
    const { field, responseKey } = call;
    const clientKey = ofClient.get(responseKey);
    const isAsked = sources.policies.functions(field).key !== undefined;
    keys.set(responseKey, isAsked ? await fieldsWord(sources, call, clientKey) : clientKey);
  }
  const found = given(keys);
  return found.size > 0 ? { of: 'fields', keys: found } : { of: 'nothing' };
}

function operationsWord<Context>({
  parts,
  shown,
  key,
}: KeySources<Context>): MaybePromise<string | undefined> {
  if (key) {
    const call = withClientKey(operationCall(parts), parts.clientKey, shown);
    return andThen(key(call), (given) => developersKey(given, parts.clientKey, shown));
  }
  if (parts.clientKey === undefined) checkVisible(shown, parts.mutation.operation);
  return parts.clientKey;
}

async function fieldsWord<Context>(
  { parts, shown, policies }: KeySources<Context>,
  call: RootCall,
  clientKey: string | undefined,
): Promise<string | undefined> {
  const { key } = policies.functions(call.field);
  if (!key) {
    if (clientKey === undefined) checkVisible(shown, parts.mutation.operation);
    return clientKey;
  }
  const shownCall = withClientKey(fieldCall({ ...parts, clientKey }, call), clientKey, shown);
  return developersKey(await key(shownCall as never), clientKey, shown);
}

/** Where a client's key could not be seen, reading it is an error: it must not pass for "no key". */
function withClientKey<Call extends { readonly clientKey: string | undefined; readonly operation: string }>(
  call: Call,
  clientKey: string | undefined,
  shown: Shown,
): Call {
  if (clientKey !== undefined || shown.isVisible) return call;
  return Object.defineProperty(call, 'clientKey', {
    get: () => checkVisible(shown, call.operation),
    enumerable: true,
  });
}

function given(keys: ReadonlyMap<string, string | undefined>): ReadonlyMap<string, string> {
  return new Map([...keys].flatMap(([name, key]) => (key === undefined ? [] : [[name, key] as const])));
}

function differentKeys(fields: readonly string[]) {
  return unprotectable(
    'ambiguous',
    `The operation has a key, and \`fields.*.key\` gives another one, or none, to ${fields.join(', ')}; send two operations`,
  );
}
