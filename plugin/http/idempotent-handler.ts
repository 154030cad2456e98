import { tellPassed, tellRefusal } from '../../server/adapter/call-events.ts';
import { internalsOf } from '../../server/adapter/internals.ts';
import {
  type IdempotencyError,
  isIdempotencyError,
  refusal,
  refusalWith,
} from '../../server/engine/errors.ts';
import { checkKey, checkScope, parseKeyHeader } from '../../server/engine/key.ts';
import type { Fingerprints } from '../../server/engine/match-of.ts';
import { isPromise } from '../../server/engine/maybe-promise.ts';
import { policyOfCall } from '../../server/engine/request-policy.ts';
import { isSwitchedOn } from '../../server/engine/yes-or-no.ts';
import { fingerprintsOf, seenOf } from '../../server/fingerprints/fingerprints.ts';
import { EXPIRES_HEADER, httpDate } from '../../server/http/expires-header.ts';
import { type Incoming, incomingOf, withIncoming } from '../../server/http/incoming.ts';
import { requestHeaders } from '../../server/http/request-headers.ts';
import { methodAndRoute } from '../../server/http/request-route.ts';
import type { Idempotency } from '../../server/idempotency.ts';
import { markCarriers } from '../../server/run/key-carriers.ts';
import { rerunKeySentAs } from '../../server/run/rerun-key.ts';
import { type ActiveRun, currentRun, outsideRun } from '../../server/run/run.ts';
import { passUnprotected } from '../../server/run/stand-in-run.ts';
import { BufferedRequest } from './buffered-request.ts';
import type { HttpCall, HttpFingerprintCall, KeyedHttpCall } from './call.ts';
import { checkRequest } from './check-request.ts';
import { withComparer } from './comparers.ts';
import { bufferResponse, type Handled, Thrown } from './handled.ts';
import type { HttpHandler } from './handler-options.ts';
import type { ResolvedHandler } from './options.ts';
import { problem, requestTooLarge } from './problem.ts';
import { createResponseCodec } from './response-codec.ts';

/** Makes the handler that a host calls in place of the developer's. */
export function idempotentHandler<Rest extends unknown[]>(
  handler: HttpHandler<Rest>,
  resolved: ResolvedHandler<Rest>,
) {
  const { protection, scope, methods, require, headerNames, capturedNames, headerName } = resolved;
  const { operationPolicy, policies, isJson, maxRequestBytes, onError, authorizeReplay, documentation } =
    resolved;
  const codec = createResponseCodec(headerNames);

  return withIncoming(withComparer(protectedHandler, fingerprintsOfRequest), respond);

  async function protectedHandler(request: Request, ...rest: Rest): Promise<Response> {
    checkRequest(request);
    return respond(incomingOf(request), ...rest);
  }

  async function respond(incoming: Incoming, ...rest: Rest): Promise<Response> {
    const pass = () => handler(incoming.request, ...rest);
    if (!methods.has(incoming.method.toUpperCase())) return passBy(pass);
    let idempotency = protection.only;
    let isOff = false;
    try {
      const isOn = protection.isOn(() => unreadCall(incoming, rest));
      isOff = !(isPromise(isOn) ? await isOn : isOn);
      const asked = isOff ? undefined : await askedCall(incoming, rest);
      if (asked) {
        const by = protection.of(() => asked.call);
        idempotency = isPromise(by) ? await by : by;
        isOff = idempotency === undefined;
        if (idempotency) return await keyed(idempotency, incoming, withKey(asked));
      }
    } catch (failure) {
      if (failure instanceof Thrown) throw failure.error;
      if (isGivenInstead(failure)) return failure.cause;
      if (!isIdempotencyError(failure)) throw failure;
      tellRefusal(idempotency, failure, { operation: await defaultName(incoming, rest) });
      return problem(failure, documentation);
    }
    if (isOff) return await passUnprotected(pass);
    tellPassed(idempotency, await defaultName(incoming, rest));
    return passBy(pass);
  }

  /** Gives the fingerprints by which a request would be compared; undefined for one that would not be protected. */
  async function fingerprintsOfRequest(request: Request, ...rest: Rest): Promise<Fingerprints | undefined> {
    const incoming = incomingOf(request);
    if (!methods.has(incoming.method.toUpperCase())) return undefined;
    if (!(await protection.isOn(() => unreadCall(incoming, rest)))) return undefined;
    const asked = await askedCall(incoming, rest);
    const idempotency = asked && (await protection.of(() => asked.call));
    return idempotency && (await compared(idempotency, incoming, withKey(asked))).known;
  }

  /** Names a request of which the developer's function is not asked (yet). */
  async function defaultName(incoming: Incoming, rest: Rest): Promise<string> {
    return typeof resolved.operation === 'string' ? resolved.operation : methodAndRoute(incoming, rest);
  }

  /** Finds the key of a call; undefined for a call that has none and needs none. */
  async function askedCall(incoming: Incoming, rest: Rest): Promise<AskedCall<Rest> | undefined> {
    const call: HttpCall<Rest> = callOf(incoming, { rest, clientKey: clientKeyOf(incoming) });
    const given = rerunKeySentAs(call.clientKey) ?? (await givenKey(call));
    if (given !== undefined && given !== null) return { call, given };
    return (await isSwitchedOn('require', require, () => call)) ? { call, given: undefined } : undefined;
  }

  /** The word of a `key` function is final. */
  function givenKey(call: HttpCall<Rest>): unknown {
    return resolved.key ? resolved.key(call) : call.clientKey;
  }

  /** Makes a call whose key is read when somebody asks for it: whether one is protected can be decided without. */
  function unreadCall(incoming: Incoming, rest: Rest): HttpCall<Rest> {
    return {
      rest,
      get request() {
        return incoming.request;
      },
      get clientKey() {
        return clientKeyOf(incoming);
      },
    };
  }

  function clientKeyOf({ headers }: Incoming): string | undefined {
    const header = requestHeaders(headers, 'request.headers')?.get(headerName);
    return header === undefined ? undefined : parseKeyHeader(header);
  }

  async function compared(idempotency: Idempotency, incoming: Incoming, found: FoundCall<Rest>) {
    if (asksForStream(incoming)) throw streaming();
    const fields = { ...found, scope: checkScope(await scope(callOf(incoming, found))) };
    const buffered = await BufferedRequest.read(incoming, maxRequestBytes);
    if (!buffered) throw requestTooLarge(maxRequestBytes);
    /** Makes the call for a function that may read the body. */
    const copied = (signal?: AbortSignal): KeyedHttpCall<Rest> => ({
      ...fields,
      request: buffered.copy(signal),
    });
    const operation =
      typeof resolved.operation === 'function'
        ? checkOperation(await resolved.operation(copied()))
        : await defaultName(incoming, found.rest);
    const decided = policyOfCall(operationPolicy.by(idempotency), policies, () => copied());
    const policy = isPromise(decided) ? await decided : decided;
    const comparison = buffered.comparison({
      operation,
      isNamed: Boolean(resolved.operation),
      policy: policy.fingerprint,
      isJson,
      call: (json): HttpFingerprintCall<Rest> => ({ ...copied(), operation, json }),
    });
    const hashed = fingerprintsOf(comparison);
    const fingerprints = isPromise(hashed) ? await hashed : hashed;
    const known = { ...fingerprints, scope: fields.scope, key: found.key, operation, policy };
    return { buffered, copied, comparison, known };
  }

  async function keyed(idempotency: Idempotency, incoming: Incoming, found: FoundCall<Rest>) {
    const { buffered, copied, comparison, known } = await compared(idempotency, incoming, found);
    const { value, replayed, expiresAt } = await internalsOf(idempotency).execute<Handled>({
      ...known,
      codec,
      seen: () => seenOf(comparison),
      capture: (isHidden) => buffered.captured(capturedNames, isHidden),
      handler: (run) => handle(run as ActiveRun, copied(run.signal), known.policy.maxResultBytes),
      ...(authorizeReplay && { authorizeReplay: async () => verdictOf(await authorizeReplay(copied())) }),
    });
    if (value.kind === 'thrown') throw value;
    if (!replayed) return value.response;
    value.response.headers.set('Idempotent-Replayed', 'true');
    if (expiresAt) value.response.headers.set(EXPIRES_HEADER, httpDate(expiresAt));
    return value.response;
  }

  /** The body is read inside of the run: a stream that fails half-way is a handler that fails. */
  async function handle(run: ActiveRun, call: KeyedHttpCall<Rest>, maxBytes: number): Promise<Handled> {
    const { request, rest } = call;
    markCarriers([request]);
    try {
      return await answered(() => handler(request, ...rest), maxBytes).catch(async (error) => {
        if (!onError) throw error;
        return { ...(await answered(() => onError(error, call), maxBytes)), error };
      });
    } catch (error) {
      const thrown = new Thrown(error);
      // What the handler said of its effect stands. If it said nothing, nobody knows: a rejection leaves it in doubt.
      if (run.intention) return thrown;
      throw thrown;
    }
  }
}

/** A call that has a key, or lacks one that it needs. */
interface AskedCall<Rest extends unknown[]> {
  readonly call: HttpCall<Rest>;
  /** The key as the client sent it, or as the developer's function gave it. */
  readonly given: unknown;
}

/** A call whose key is known, without its request. */
type FoundCall<Rest extends unknown[]> = Pick<KeyedHttpCall<Rest>, 'rest' | 'clientKey' | 'key'>;

/** Makes a call object, whose request is made when somebody looks at it. */
function callOf<Fields extends object>(
  incoming: Incoming,
  fields: Fields,
): Fields & { readonly request: Request } {
  return {
    ...fields,
    get request() {
      return incoming.request;
    },
  };
}

/** @throws IdempotencyError IDEMPOTENCY_KEY_MISSING, IDEMPOTENCY_KEY_INVALID */
function withKey<Rest extends unknown[]>({ call, given }: AskedCall<Rest>): FoundCall<Rest> {
  if (given === undefined) throw refusal('IDEMPOTENCY_KEY_MISSING');
  const { rest, clientKey } = call;
  return { rest, clientKey, key: checkKey(given) };
}

type Respond = () => Response | Promise<Response>;

/** A call without a key is no part of the run around it. */
async function passBy(respond: Respond): Promise<Response> {
  return await (currentRun() ? outsideRun(respond) : respond());
}

async function answered(respond: Respond, maxBytes: number) {
  return bufferResponse(await respond(), maxBytes);
}

/** A response is a refusal in the developer's own words. */
function verdictOf(verdict: boolean | Response): boolean {
  if (!isResponse(verdict)) return verdict;
  throw refusalWith('IDEMPOTENCY_REPLAY_FORBIDDEN', {
    message: 'Another response is given instead',
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
function asksForStream({ headers }: Incoming): boolean {
  const types = headers.get('accept')?.split(',') ?? [];
  return types.length > 0 && types.every((type) => /^\s*text\/event-stream\s*(;|$)/i.test(type));
}

function streaming(): IdempotencyError {
  const message =
    'A request with an idempotency key can not ask for an event stream, which can not be replayed';
  return refusalWith('IDEMPOTENCY_KEY_INVALID', { message, reason: 'streaming' });
}
