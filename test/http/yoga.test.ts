import { createSchema, createYoga } from 'graphql-yoga';
import { expect, test } from 'vitest';
import { startApi } from './api.ts';
import { repeated } from './client.ts';

// Yoga answers with a `Response` class of its own.
test('a whole server that is a function of Request may be wrapped, whatever Response class it answers with', async () => {
  let runs = 0;
  const yoga = createYoga({
    logging: false,
    schema: createSchema({
      typeDefs: 'type Query { ok: Boolean } type Mutation { pay(amount: Int!): Int }',
      resolvers: {
        Mutation: {
          pay(_, { amount }) {
            runs += 1;
            return amount;
          },
        },
      },
    }),
    plugins: [
      {
        onResponse({ response }) {
          response.headers.append('set-cookie', 'a=1');
          response.headers.append('set-cookie', 'b=2');
        },
      },
    ],
  });
  await using api = await startApi(async (request) => yoga.fetch(request));
  const sent = {
    path: '/graphql',
    key: 'k',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"mutation { pay(amount: 5) }"}',
  };
  const first = await api.send(sent);
  const second = await api.send(sent);
  expect(first).toMatchObject({ status: 200, text: '{"data":{"pay":5}}', replayed: false });
  expect(first.headers['set-cookie']).toEqual(['a=1', 'b=2']);
  expect(second.replayed).toBe(true);
  expect(second.headers).not.toHaveProperty('set-cookie');
  expect(repeated(second)).toEqual(repeated(first));
  expect(runs).toBe(1);
});
