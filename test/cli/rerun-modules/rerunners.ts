import { MongoClient } from 'mongodb';
import { createHttpRerunner, createIdempotencyHandler } from '../../../plugin/http/index.ts';
import { createIdempotency } from '../../../server/index.ts';
import { createMongoStore } from '../../../server/mongodb/index.ts';

const client = new MongoClient(process.env.MONGODB_URI ?? '');
const db = client.db(process.env.SHOP_DATABASE);

/** What the server of an application has, and what its dashboard is given. */
export const idempotency = createIdempotency({ store: createMongoStore({ db }), captureRequest: true });

const idempotent = createIdempotencyHandler({
  idempotency,
  scope: ({ request }) => request.headers.get('x-user'),
});
const pay = idempotent(async (request) => {
  const { amount } = (await request.json()) as { amount: number };
  return Response.json({ id: 'r1', amount });
});

export const rerunners = [
  createHttpRerunner({
    handler: pay,
    actAs: ({ scope }) => ({ scope, label: `user ${scope}`, headers: { 'x-user': scope } }),
  }),
];
