import { checkResolution, type Resolution, type Resolver } from '../../../server/engine/resolution.ts';
import type { RootCall } from '../document/operation.ts';
import { type CallParts, ofField } from './call-object.ts';
import type { FieldPolicies } from './field-policies.ts';

/** `FieldValues` are what `resolve` functions of fields have given, by response key. */
export class FieldValues {
  readonly byResponseKey: Readonly<Record<string, unknown>>;

  constructor(byResponseKey: Readonly<Record<string, unknown>>) {
    this.byResponseKey = byResponseKey;
  }
}

/**
 * Makes the `resolve` function of a mutation; null where nobody is asked. Where each of its fields has one of its own, each is asked about
 * its field. Otherwise the one of all mutations is asked about the operation: that of one field can not tell of the others.
 */
export function resolverOf<Context>(policies: FieldPolicies, parts: CallParts<Context>): Resolver | null {
  const { calls } = parts.mutation;
  const asked: { readonly call: RootCall; readonly resolve: Resolver }[] = [];
  for (const call of calls) {
    const resolve = policies.resolver(call.field);
    if (resolve === null) return null;
    if (resolve) asked.push({ call, resolve });
  }
  if (asked.length < calls.length) return policies.resolverOfAll;
  return async (doubt) => {
    const given = await Promise.all(
      asked.map(async ({ call, resolve }) => {
        const resolution = await resolve(ofField(doubt, parts, call));
        return { call, resolution: checkResolution(resolution) };
      }),
    );
    return together(given);
  };
}

interface Given {
  readonly call: RootCall;
  readonly resolution: Resolution;
}

/** One run has one end: what its fields do not agree on is in doubt. */
function together(given: readonly Given[]): Resolution {
  const [first, ...others] = given.map(({ resolution }) => resolution);
  if (first === undefined || others.some(({ action }) => action !== first.action))
    return { action: 'in_doubt' };
  switch (first.action) {
    case 'complete': {
      const values = given.map(({ call, resolution }) => [call.responseKey, fieldValue(call, resolution)]);
      return { action: 'complete', data: new FieldValues(Object.fromEntries(values)) };
    }
    case 'fail':
      return others.length === 0 ? first : { action: 'in_doubt' };
    default:
      return first;
  }
}

/** @throws TypeError for undefined, which JSON leaves out: a client would find no field in the answer */
function fieldValue({ field }: RootCall, resolution: Resolution): unknown {
  const data = resolution.action === 'complete' ? resolution.data : undefined;
  if (data !== undefined) return data;
  throw new TypeError(
    `Expected the \`data\` of \`resolve\` to be the value of ${field}, got undefined; null is no value`,
  );
}
