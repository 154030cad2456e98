import { createIdempotencyHandler } from 'latchkey/http';
import { provider } from '../../../host.ts';
import { idempotency } from '../../lib/idempotency.ts';

const idempotent = createIdempotencyHandler({
  idempotency,
  scope: ({ request }) => request.headers.get('x-user'), // stands for your login: (await auth())?.user.id
});

// What Next.js hands to a route beside the request (its params) is the handler's second argument.
export const POST = idempotent(async (request: Request) => {
  const { amount } = (await request.json()) as { amount: number };
  return Response.json(await provider.charge(amount), { status: 201 });
});
