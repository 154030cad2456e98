import { getTRPCErrorFromUnknown, type TRPCError } from '@trpc/server';
import { writeDown } from '../../server/bodies/write-down.ts';
import type { Encoded, ResultCodec } from '../../server/call.ts';
import { withoutNames } from '../../server/formats/redact.ts';
import { type TRPCResult, trpcFormat } from '../../server/formats/trpc.ts';
import { rebuiltError, shapeOf, storedError } from './error-codec.ts';
import { keepShape } from './marks.ts';
import { type CallOptions, type CallResult, type Config, errorResult, okResult } from './trpc.ts';

/**
 * Makes the codec of a call. A replay is what the transformer reads from the stored result, and tRPC serialises it again: the same
 * bytes, but for what a transformer does not write as it read it (superjson gives an Error an undefined `cause`). Without a
 * transformer a server-side caller that got a Date at first gets its text from a replay, as an HTTP client always does.
 * @param form of the transformer: `formOf`
 */
export function createResultCodec(
  config: Config,
  opts: CallOptions,
  started: () => boolean,
  form: string,
): ResultCodec<CallResult> {
  const { output } = config.transformer;
  let verdict: CallResult | undefined;

  function errorBody(error: TRPCError): TRPCResult {
    const stored = storedError(error, config);
    try {
      const shape = output.serialize(shapeOf(error, opts, config));
      const again = output.serialize(shapeOf(rebuiltError(stored), opts, config));
      return JSON.stringify(shape) === JSON.stringify(again) ? { error: stored } : { error: stored, shape };
    } catch {
      return { error: stored }; // the developer's formatter failed, as it is about to for the first caller
    }
  }

  const encodedError = (result: Extract<CallResult, { ok: false }>): Encoded => ({
    outcome: 'error',
    ...writeDown(() => ({ body: trpcFormat.writeResult(errorBody(result.error)) })),
    // The answer of a `resolve` function is about a run that did start.
    started: result === verdict || started(),
    result: result.error,
  });

  return {
    format: trpcFormat.nameFor(form),
    encode(result, isHidden): Encoded {
      if (!result.ok) return encodedError(result);
      const write = () => {
        // Before it is serialised: a transformer may write names and contents apart.
        const shown = isHidden ? withoutNames(result.data, isHidden) : result.data;
        return {
          body: trpcFormat.writeResult({ data: output.serialize(shown) }),
          redacted: shown !== result.data,
        };
      };
      return { outcome: 'success', ...writeDown(write), started: true, result: result.data };
    },
    decode(body) {
      const stored = trpcFormat.readResult(body);
      if (!('error' in stored)) return okResult(output.deserialize(stored.data));
      const error = rebuiltError(stored.error);
      if ('shape' in stored) keepShape(error, output.deserialize(stored.shape));
      return errorResult(error);
    },
    resolve(resolution) {
      verdict =
        resolution.action === 'complete'
          ? okResult(resolution.data)
          : errorResult(getTRPCErrorFromUnknown(resolution.error));
      return verdict;
    },
  };
}
