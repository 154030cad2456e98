import type { Captured } from '../../server/call.ts';
import { type IsHidden, withoutNames } from '../../server/formats/redact.ts';
import { trpcFormat } from '../../server/formats/trpc.ts';
import { rawInputOf } from './input.ts';
import type { CallOptions, Config } from './trpc.ts';

/**
 * Writes a call down with the input as the client sent it, in the transformer's form. A form or a file can not be sent again, so it is
 * not written down.
 */
export async function capturedCall(
  opts: CallOptions,
  { transformer }: Config,
  isHidden: IsHidden | undefined,
): Promise<Captured> {
  const format = trpcFormat.name;
  const raw = await rawInputOf(opts);
  if (raw instanceof FormData || raw instanceof Blob || raw instanceof ReadableStream)
    return { format, body: undefined };
  const shown = isHidden ? withoutNames(raw, isHidden) : raw;
  const input = transformer.input.serialize(shown);
  return { format, body: trpcFormat.writeRequest({ path: opts.path, input }), redacted: shown !== raw };
}
