import { whatCame } from '../../server/engine/what-came.ts';
import type { HttpHandler } from './handler-options.ts';
import { idempotentHandler } from './idempotent-handler.ts';
import {
  checkHttpOptions,
  type HttpHandlerPolicy,
  type HttpIdempotencyOptions,
  resolveHandler,
} from './options.ts';

/**
 * Gives a `Request → Response` handler idempotency keys. `Rest` are the arguments that it has beside the request.
 * @example
 * export const POST = idempotent(async (request) => Response.json(await pay(await request.json())), { require: true })
 * @throws TypeError for an option that is unknown or out of range
 */
export type IdempotentHandler<Rest extends unknown[] = unknown[]> = <Own extends Rest>(
  handler: HttpHandler<Own>,
  policy?: HttpHandlerPolicy<Own>,
) => (request: Request, ...rest: Own) => Promise<Response>;

/**
 * Makes the function that gives `Request → Response` handlers idempotency keys, by draft-ietf-httpapi-idempotency-key-header-07: a
 * POST or PATCH with an `Idempotency-Key` runs once, and its retries get the same status, body and chosen headers. Requests without a
 * key, and those with other methods, pass by.
 *
 * Put what may refuse a request (CORS, login, rate limits) around the handler: whatever the handler answers is the outcome.
 *
 * @example
 * const idempotent = createIdempotencyHandler({ idempotency, scope: async ({ request }) => (await userOf(request))?.id })
 *
 * export const POST = idempotent(
 *   async (request, { params }: Route) => Response.json(await pay(await request.json(), await params), { status: 201 }),
 *   { require: true, fingerprint: 'json' },
 * )
 * @throws TypeError for an option that is unknown or out of range
 */
export function createIdempotencyHandler<Rest extends unknown[] = unknown[]>(
  options: HttpIdempotencyOptions<Rest>,
): IdempotentHandler<Rest> {
  checkHttpOptions(options);

  return function idempotent(handler, policy) {
    if (typeof handler !== 'function') {
      throw new TypeError(
        `Expected the first argument of idempotent(...) to be your handler, got ${whatCame(handler)}; write \`idempotent(handler, { … })\``,
      );
    }
    return idempotentHandler(handler, resolveHandler(options, policy));
  };
}
