import { IdempotencyError, isIdempotencyError, refusal } from '../../server/engine/errors.ts';
import { checkScope, parseKeyHeader } from '../../server/engine/key.ts';
import { notPromised } from '../../server/engine/not-promised.ts';
import { whatCame } from '../../server/engine/what-came.ts';
import { fingerprintsOf } from '../../server/fingerprints.ts';
import { requestHeaders } from '../../server/http/request-headers.ts';
import { markCarriers } from '../../server/key-carriers.ts';
import { type ActiveRun, currentRun, outsideRun } from '../../server/run.ts';
import { BufferedRequest } from './buffered-request.ts';
import { checkRequest } from './check-request.ts';
import { bufferResponse, type Handled, Thrown } from './handled.ts';
import { type HttpHandler, type HttpIdempotencyOptions, resolveOptions } from './options.ts';
import { problem, requestTooLarge } from './problem.ts';
import { createResponseCodec } from './response-codec.ts';

/**
 * Gives a `Request → Response` handler idempotency keys, by draft-ietf-httpapi-idempotency-key-header-07: a POST or PATCH
 * with an `Idempotency-Key` runs once, and its retries get the same status, body and chosen headers. Requests without a
 * key, and those with other methods, pass by.
 *
 * Put what may refuse a request (CORS, login, rate limits) around it: whatever the handler answers is the outcome.
 *
 * @example
 * export const POST = withIdempotency(
 *   async (request) => Response.json(await pay(await request.json()), { status: 201 }),
 *   { idempotency, scope: (request) => userOf(request)?.id },
 * )
 * @throws TypeError for an option that is unknown or out of range
 */
export function withIdempotency<Rest extends unknown[]>(
  handler: HttpHandler<Rest>,
  options: HttpIdempotencyOptions<Rest>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  if (typeof handler !== 'function') {
    throw new TypeError(
      `Expected the first argument of withIdempotency(...) to be your handler, got ${whatCame(handler)}; write \`withIdempotency(handler, { … })\``,
    );
  }
  const { idempotency, scope, methods, isRequired, headerNames, capturedNames, headerName, ...resolved } =
    resolveOptions(options);
  const { operation, policy, maxRequestBytes, onError, authorizeReplay, documentation } = resolved;
  const codec = createResponseCodec(headerNames);

  return async function idempotentHandler(request, ...rest) {
    checkRequest(request);
    try {
      const key = keyOf(request);
      if (key !== undefined) return await keyed(key, request, rest);
    } catch (failure) {
      if (failure instanceof Thrown) throw failure.error;
      if (isGivenInstead(failure)) return failure.cause;
      if (isIdempotencyError(failure)) return problem(failure, documentation);
      throw failure;
    }
    const pass = () => handler(request, ...rest);
    return currentRun() ? outsideRun(pass) : pass(); // a call without a key is no part of the run around it
  };

  function keyOf(request: Request): string | undefined {
    if (!idempotency.enabled || !methods.has(request.method.toUpperCase())) return undefined;
    const header = requestHeaders(request.headers, 'request.headers')?.get(headerName);
    if (header !== undefined) return parseKeyHeader(header);
    if (notPromised(isRequired(request), 'require')) throw refusal('IDEMPOTENCY_KEY_MISSING');
    return undefined;
  }

  async function keyed(key: string, request: Request, rest: Rest): Promise<Response> {
    if (asksForStream(request)) throw streaming();
    const owner = checkScope(await scope(request, ...rest));
    const buffered = await BufferedRequest.read(request, maxRequestBytes);
    if (!buffered) return requestTooLarge(maxRequestBytes, documentation);
    const name = checkOperation(notPromised(operation(request), 'operation'));
    const { value, replayed } = await idempotency.execute<Handled>({
      scope: owner,
      key,
      operation: name,
      ...(await fingerprintsOf(buffered.comparison(name, policy.fingerprint))),
      policy,
      codec,
      capture: (isHidden) => buffered.captured(capturedNames, isHidden),
      handler: (run) => handle(run as ActiveRun, buffered.copy(run.signal), rest),
      ...(authorizeReplay && {
        authorizeReplay: async () => verdictOf(await authorizeReplay(buffered.copy(), ...rest)),
      }),
    });
    if (value.kind === 'thrown') throw value;
    if (!replayed) return value.response;
    value.response.headers.set('Idempotent-Replayed', 'true');
    return value.response;
  }

  /** The body is read inside of the run: a stream that fails half-way is a handler that fails. */
  async function handle(run: ActiveRun, request: Request, rest: Rest): Promise<Handled> {
    markCarriers([request]);
    try {
      return await answer(() => handler(request, ...rest)).catch(async (error) => {
        if (!onError) throw error;
        return { ...(await answer(() => onError(error, request))), error };
      });
    } catch (error) {
      const thrown = new Thrown(error);
      // What the handler said of its effect stands. If it said nothing, nobody knows: a rejection leaves it in doubt.
      if (run.intention) return thrown;
      throw thrown;
    }
  }

  async function answer(respond: () => Response | Promise<Response>) {
    return bufferResponse(await respond(), policy.maxResultBytes);
  }
}

/** A response is a refusal in the developer's own words. */
function verdictOf(verdict: boolean | Response): boolean {
  if (!isResponse(verdict)) return verdict;
  throw new IdempotencyError('IDEMPOTENCY_REPLAY_FORBIDDEN', 'Another response is given instead', {
    cause: verdict,
  });
}

function isGivenInstead(failure: unknown): failure is IdempotencyError & { cause: Response } {
  return (
    isIdempotencyError(failure) &&
    failure.code === 'IDEMPOTENCY_REPLAY_FORBIDDEN' &&
    isResponse(failure.cause)
  );
}

/** Tells whether a value is a `Response`, of this or of another implementation. */
function isResponse(value: unknown): value is Response {
  return typeof value === 'object' && value !== null && 'status' in value && 'headers' in value;
}

function checkOperation(name: unknown): string {
  if (typeof name === 'string' && name !== '') return name;
  throw new TypeError(`Expected \`operation\` to return a string that is not empty, got ${String(name)}`);
}

/** An answer that is a stream of events can not be stored, and this client takes no other. */
function asksForStream(request: Request): boolean {
  const types = request.headers.get('accept')?.split(',') ?? [];
  return types.length > 0 && types.every((type) => /^\s*text\/event-stream\s*(;|$)/i.test(type));
}

function streaming(): IdempotencyError {
  const message =
    'A request with an idempotency key can not ask for an event stream, which can not be replayed';
  return new IdempotencyError('IDEMPOTENCY_KEY_INVALID', message, { reason: 'streaming' });
}
