import { IdempotencyError } from '../../server/engine/errors.ts';
import { fingerprintOf } from '../../server/engine/fingerprint.ts';
import { formContent } from './form.ts';
import { headersOn } from './headers.ts';
import type { CallOptions, Config } from './trpc.ts';

/**
 * The hash of a procedure's path and input. The validated input where a validator ran before, so that defaults and
 * coercions do not count as differences; and of the raw input what that validator dropped, since another `.input()` may
 * follow and read it. Of a form always the whole content, as it was sent: what a validator makes of its files can not be
 * compared.
 * @throws IdempotencyError KEY_INVALID for what can not be told apart by its content
 */
export async function fingerprintOfInput(opts: CallOptions, { transformer }: Config): Promise<string> {
  const raw = await rawInputOf(opts);
  if (raw instanceof FormData) return fingerprintOf(opts.path, [await formContent(raw)]);
  if (raw instanceof ReadableStream || raw instanceof Blob) {
    throw unfingerprintable(
      'An octet stream can not be compared, so it can not be sent with an idempotency key; a form can',
    );
  }
  const { input = raw } = opts;
  try {
    const dropped = unseen(raw, input);
    // The side that serialises inputs: what the client sent, in the client's form.
    const serialize = (value: unknown) => transformer.input.serialize(value);
    const parts = dropped === undefined ? [serialize(input)] : [serialize(input), serialize(dropped)];
    return fingerprintOf(opts.path, parts);
  } catch (cause) {
    throw unfingerprintable(
      'The input of this call can not be compared, so it can not be sent with an idempotency key',
      cause,
    );
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

/** What of `raw` has no counterpart in `validated`; undefined when nothing. */
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

function unfingerprintable(message: string, cause?: unknown): IdempotencyError {
  return new IdempotencyError('KEY_INVALID', message, { reason: 'unfingerprintable', cause });
}
