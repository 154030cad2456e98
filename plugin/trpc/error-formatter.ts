import type { TRPCError } from '@trpc/server';
import type { IdempotencyErrorData } from '../../server/engine/error-data.ts';
import { idempotencyErrorData } from './errors.ts';

/** What the formatter needs of tRPC's options: the error, and the shape that clients get of it so far. */
interface FormatterOptions<Shape extends { data: object }> {
  readonly shape: Shape;
  readonly error: TRPCError;
}

/** The shape, with `data.idempotency` where the error is a refusal. */
type WithIdempotency<Shape extends { data: object }> = Omit<Shape, 'data'> & {
  data: Shape['data'] & { idempotency?: IdempotencyErrorData };
};

/**
 * Formats the errors of a router so that clients are told of a refusal, as `error.data.idempotency`: which one, and whether the same key may be sent again.
 * `isRetryable` and `idempotencyErrorOf` of `latchkey/client/errors` read it. Other errors are left as they are.
 *
 * @example
 * initTRPC.create({ errorFormatter: idempotencyErrorFormatter })
 * @example
 * // With a formatter of your own, before it or after it.
 * initTRPC.create({ errorFormatter: (opts) => idempotencyErrorFormatter({ ...opts, shape: withZodErrors(opts) }) })
 */
export function idempotencyErrorFormatter<Shape extends { data: object }>({
  shape,
  error,
}: FormatterOptions<Shape>): WithIdempotency<Shape> {
  const idempotency = idempotencyErrorData(error);
  return { ...shape, data: { ...shape.data, ...(idempotency && { idempotency }) } };
}
