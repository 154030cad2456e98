import type { IdempotentHandler } from './create-idempotency-handler.ts';
import type { HttpHandlerPolicy } from './options.ts';

/** The parts of a context of Hono that are used, by shape. */
interface HonoContext {
  readonly req: { raw: Request };
  res: Response | undefined;
  readonly finalized: boolean;
  readonly error: Error | undefined;
}

type Next = () => Promise<void>;

/**
 * Makes a middleware for Hono: what comes after it runs once for each key, and reads the body by `c.req` as ever. Options for these
 * routes are the second argument.
 *
 * An error of what comes after it has been answered by Hono's `onError`, and leaves the key in doubt, unless the handlers have an
 * `onError` option of their own. Cookies of the answer are not repeated, as of any handler.
 *
 * @example
 * const idempotent = createIdempotencyHandler<[Context, Next]>({ idempotency, scope: ({ rest: [c] }) => c.get('user')?.id })
 *
 * app.use('/payments/*', toHonoMiddleware(idempotent, { require: true }))
 * app.post('/payments', async (c) => c.json(await pay(await c.req.json()), 201))
 */
export function toHonoMiddleware<Context extends HonoContext>(
  idempotent: IdempotentHandler<[Context, Next]>,
  policy?: HttpHandlerPolicy<[Context, Next]>,
): (c: Context, next: Next) => Promise<void> {
  const handle = idempotent(async (request, c: Context, next: Next) => {
    c.req.raw = request; // the host's own has been read
    await next();
    if (c.error) throw c.error;
    return c.res as Response;
  }, policy);

  return async function honoMiddleware(c, next) {
    let answer: Response;
    try {
      answer = await handle(c.req.raw, c, next);
    } catch (error) {
      if (c.finalized && error === c.error) return; // Hono has answered it
      throw error;
    }
    replaceResponse(c, answer);
  };
}

/**
 * Hono ignores what a middleware returns once there is a response, and sends the one that it has, whose body we have read ("ReadableStream
 * is locked"). Where nothing has run, what stands in front may have set headers, which belong to any answer.
 */
function replaceResponse(c: HonoContext, answer: Response): void {
  const inFront = c.finalized ? undefined : c.res?.headers;
  const headers = new Headers(inFront);
  for (const name of answer.headers.keys()) headers.delete(name);
  for (const [name, value] of answer.headers) headers.append(name, value);
  c.res = undefined;
  c.res = inFront
    ? new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers })
    : answer;
}
