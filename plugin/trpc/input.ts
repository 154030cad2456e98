import type { ResolvedFingerprint } from '../../server/engine/fingerprint-policy.ts';
import { type Path, without } from '../../server/engine/paths.ts';
import { withHelp } from '../../server/engine/with-help.ts';
import { type Comparison, unfingerprintable } from '../../server/fingerprints/fingerprints.ts';
import { type TRPCKeyedCall, withKnown } from './call.ts';
import { formContent } from './form.ts';
import { headersOn, indexOf } from './headers.ts';
import type { CallOptions, Config } from './trpc.ts';

/**
 * Makes the comparison of a call: its path and input. Where a validator ran before, the validated input counts, so that
 * defaults and coercions are no differences, together with what the validator dropped of the raw input, since another
 * `.input()` may follow and read it. A form always counts with its whole content, as it was sent: what a validator makes of
 * its files can not be compared.
 */
export async function comparisonOfInput(
  opts: CallOptions,
  { transformer }: Config,
  policy: ResolvedFingerprint,
  form: string,
  /** The call as a `fingerprint` function sees it. */
  call: TRPCKeyedCall,
): Promise<Comparison> {
  const { path } = opts;
  const raw = await rawInputOf(opts);
  if (raw === undefined) checkVoid(opts, transformer);
  const { input = raw } = opts;
  return {
    operation: path,
    form,
    inputs: [
      {
        place: '',
        policy,
        name: path,
        call: () => withKnown(call, { input }),
        without: content,
      },
    ],
    whole: ([value]) => value,
  };

  async function content(paths: readonly Path[]): Promise<unknown> {
    if (raw instanceof FormData) return [without(await formContent(raw), paths)];
    if (raw instanceof ReadableStream || raw instanceof Blob)
      throw unfingerprintable('it is an octet stream; send a form, or give a `fingerprint` function');
    try {
      const [sent, validated] = [without(raw, paths), without(input, paths)];
      const dropped = unseen(sent, validated);
      // The side that serialises inputs: what the client sent, in the client's form.
      const serialize = (value: unknown) => transformer.input.serialize(value);
      return dropped === undefined ? [serialize(validated)] : [serialize(validated), serialize(dropped)];
    } catch (cause) {
      throw unfingerprintable(cause);
    }
  }
}

/** Releases of tRPC before 11.25 can not read the empty body that their own httpLink sends for a void input. */
export async function rawInputOf({ ctx, getRawInput }: CallOptions): Promise<unknown> {
  try {
    return await getRawInput();
  } catch (error) {
    if (headersOn(ctx)?.get('content-length') === '0') return undefined;
    throw error;
  }
}

/**
 * A body parser in front that hands on nothing leaves the calls of any input without one: they would all be the same.
 * Where the transformer has a form for undefined, a void input has a body.
 */
function checkVoid(opts: CallOptions, transformer: Config['transformer']): void {
  const { ctx, path } = opts;
  const headers = headersOn(ctx);
  // A server-side call has the request of another call on its context, and of a batch one call may be void.
  if (!headers?.calls || headers.isBatch || indexOf(opts, headers) === undefined) return;
  if (transformer.input.serialize(undefined) !== undefined) return;
  const length = headers.get('content-length');
  if (length === undefined ? headers.get('transfer-encoding') === undefined : Number(length) === 0) return;
  const text =
    `idempotent() finds no input for \`${path}\`, but its request has a body: a body parser in front has read it and handed on ` +
    'nothing; put the tRPC adapter before it, or let it set `req.body`';
  throw new TypeError(withHelp(text, 'body-parser'));
}

/** Picks from `raw` what has no counterpart in `validated`; undefined when there is nothing. */
function unseen(raw: unknown, validated: unknown): unknown {
  if (raw === validated || !isPlain(raw) || !isPlain(validated)) return undefined;
  const dropped = Object.entries(raw).flatMap(([name, value]) => {
    const rest = Object.hasOwn(validated, name) ? unseen(value, validated[name]) : value;
    return rest === undefined ? [] : [[name, rest] as const];
  });
  return dropped.length === 0 ? undefined : Object.fromEntries(dropped);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Array.isArray(value);
}
