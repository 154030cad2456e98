import type { Idempotency } from 'latchkey';
import {
  createHttpRerunner,
  createIdempotencyHandler,
  type HttpResult,
  httpResponse,
  type NodeHost,
} from 'latchkey/http';
import { expectTypeOf } from 'vitest';

declare const idempotency: Idempotency;
declare const userOf: (request: Request) => { id: string } | null;

type Route = { params: Promise<{ id: string }> };

// One set of options fits handlers of any parameters.
const idempotent = createIdempotencyHandler({ idempotency, scope: ({ request }) => userOf(request)?.id });
const plain = idempotent(async (request) => Response.json(await request.json()));
expectTypeOf(plain).parameters.toEqualTypeOf<[Request]>();

// A handler keeps its parameters, and its own functions see what the framework hands over.
const route = idempotent(
  async (request, { params }: Route) => {
    expectTypeOf(request).toEqualTypeOf<Request>();
    return Response.json(await params, { status: 201 });
  },
  {
    require: true,
    fingerprint: 'json',
    async key({ request, rest: [{ params }], clientKey }) {
      expectTypeOf(request).toEqualTypeOf<Request>();
      expectTypeOf(clientKey).toEqualTypeOf<string | undefined>();
      return clientKey ?? (await params).id;
    },
    scope: async ({ rest: [{ params }] }) => (await params).id,
    authorizeReplay({ rest, scope, key }) {
      expectTypeOf(rest).toEqualTypeOf<[Route]>();
      expectTypeOf([scope, key]).toEqualTypeOf<string[]>();
      return new Response(null, { status: 403 });
    },
    async resolve({ request, rest, json, downstreamKey, step, state }) {
      expectTypeOf(request).toEqualTypeOf<Request>();
      expectTypeOf(rest).toEqualTypeOf<[Route]>();
      expectTypeOf(json).toBeUnknown();
      expectTypeOf(state).toEqualTypeOf<'lapsed' | 'in_doubt'>();
      expectTypeOf(downstreamKey).toEqualTypeOf<(name: string) => string>();
      const charge = await step<{ id: string }>('charge');
      return charge ? { action: 'complete', data: httpResponse(charge.id) } : { action: 'retry' };
    },
    classify({ result }) {
      expectTypeOf(result).toEqualTypeOf<HttpResult>();
      return result.status === 429 ? { release: 'rate limited' } : 'store';
    },
    onError: (error, { key }) => Response.json({ error: String(error), key }, { status: 500 }),
    retentionMs: ({ outcome, result }) => {
      expectTypeOf(result).toEqualTypeOf<HttpResult>();
      return outcome === 'error' ? 3_600_000 : 86_400_000;
    },
  },
);
// @ts-expect-error a transaction whose process died is retried, whatever it says
idempotent(async () => new Response(), { transaction: true, onCrash: 'retry' });
expectTypeOf(route).parameters.toEqualTypeOf<[Request, Route]>();
// @ts-expect-error the framework's part is missing
route(new Request('http://x'));

idempotent((_request: Request, { params }: Route) => params.then(() => new Response()), {
  require: async ({ rest: [{ params }] }) => (await params).id !== 'free',
  operation: async ({ rest: [{ params }] }) => `POST /orders/${(await params).id}`,
  async fingerprint({ rest: [{ params }], request, json, operation }) {
    expectTypeOf(json).toBeUnknown();
    return [(await params).id, await request.text(), operation];
  },
});

// What every handler gets beside the request is known to the options of all.
const behindNode = createIdempotencyHandler<[NodeHost<{ user: { id: string } }, object>]>({
  idempotency,
  scope: ({ rest: [{ req }] }) => req.user.id,
  policy: { fingerprint: ({ rest: [{ req }], json }) => [req.user.id, json] },
});
expectTypeOf(behindNode(() => new Response())).toBeCallableWith(new Request('http://x'), {
  req: { user: { id: 'ada' } },
  res: {},
});
// @ts-expect-error these handlers get a NodeHost, not a route
behindNode((_request, { params }: Route) => params.then(() => new Response()));

idempotent(() => new Response(), { fingerprint: null });
idempotent(() => new Response(), { fingerprint: { exclude: ['captcha'] } });
export const given = httpResponse('{}', { status: 201 });

const handler = () => new Response();
// @ts-expect-error the scope is not optional
createIdempotencyHandler({ idempotency });
// @ts-expect-error no such option
createIdempotencyHandler({ idempotency, scope: () => 'ada', verbs: ['PUT'] });
// @ts-expect-error no such policy
createIdempotencyHandler({ idempotency, scope: () => 'ada', policy: { lease: 5 } });
// @ts-expect-error it is an option of a handler, not of a policy
createIdempotencyHandler({ idempotency, scope: () => 'ada', policy: { require: true } });
// @ts-expect-error no such option
idempotent(handler, { lease: 5 });
// @ts-expect-error one of all handlers
idempotent(handler, { headerName: 'X-Key' });
// @ts-expect-error one of createIdempotencyHandler
idempotent(handler, { idempotency });
// @ts-expect-error a promise of no boolean
idempotent(handler, { require: async () => 'yes' });
// @ts-expect-error misspelt
idempotent(handler, { fingerprint: 'JSON' });

// A rerunner acts as somebody, with what the handler has beside the request.
createHttpRerunner({
  handler: plain,
  actAs: ({ scope }) => ({ scope, label: scope, headers: { cookie: 'a' } }),
});
createHttpRerunner({
  handler: route,
  actAs: async ({ scope }) => ({ scope, label: scope, rest: [{ params: Promise.resolve({ id: '7' }) }] }),
});
// @ts-expect-error the handler has a route
createHttpRerunner({ handler: route, actAs: ({ scope }) => ({ scope, label: scope }) });
createHttpRerunner({ route: () => (Math.random() < 1 ? plain : null), actAs: () => null });
// @ts-expect-error neither a handler nor a route
createHttpRerunner({ actAs: () => null });
// @ts-expect-error both
createHttpRerunner({ handler: plain, route: () => plain, actAs: () => null });
// @ts-expect-error whom the operator sees is not said
createHttpRerunner({ handler: plain, actAs: ({ scope }) => ({ scope }) });
