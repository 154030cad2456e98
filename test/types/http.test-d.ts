import type { Idempotency } from 'latchkey';
import { httpResponse, IDEMPOTENCY_REQUEST_HEADERS, withIdempotency } from 'latchkey/http';
import { expectTypeOf } from 'vitest';

declare const idempotency: Idempotency;

// A handler keeps its parameters, and `scope` sees what the framework hands over.
const route = withIdempotency(
  async (request: Request, { params }: { params: { id: string } }) =>
    Response.json({ id: params.id, by: request.method }),
  {
    idempotency,
    scope: (request, { params }) => {
      expectTypeOf(request).toEqualTypeOf<Request>();
      expectTypeOf(params).toEqualTypeOf<{ id: string }>();
      return params.id;
    },
    authorizeReplay: (_request, { params }) => (params.id ? true : new Response(null, { status: 403 })),
    policy: {
      onAbandoned: async () => ({ action: 'complete', data: httpResponse('{}', { status: 201 }) }),
    },
  },
);
expectTypeOf(route).toBeCallableWith(new Request('http://x'), { params: { id: '1' } });
// @ts-expect-error the framework's part is missing
route(new Request('http://x'));

const handler = () => new Response();
// @ts-expect-error the scope is not optional
withIdempotency(handler, { idempotency });
// @ts-expect-error no such option
withIdempotency(handler, { idempotency, scope: () => 'ada', verbs: ['PUT'] });
// @ts-expect-error no such policy
withIdempotency(handler, { idempotency, scope: () => 'ada', policy: { lease: 5 } });

expectTypeOf(IDEMPOTENCY_REQUEST_HEADERS).toEqualTypeOf<readonly ['Idempotency-Key', 'Idempotency-Keys']>();
