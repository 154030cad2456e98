import { createHash } from 'node:crypto';
import { ApolloServer, type ApolloServerOptionsWithGateway, type ApolloServerPlugin } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';
import { GraphQLError } from 'graphql';
import { createSchema } from 'graphql-yoga';
import { expect, it, onTestFinished } from 'vitest';
import { idempotencyDirectives } from '../../plugin/graphql/index.ts';
import { createIdempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';

// What stays of Apollo Server behind the gateway of the example, and what Latchkey's parts do there.

type Options = ApolloServerOptionsWithGateway<{ req: object }>;

async function start(options: Partial<Options> = {}) {
  const paid: number[] = [];
  const schema = createSchema({
    typeDefs: [
      idempotencyDirectives,
      'type Query { ok: Boolean } type Mutation { pay(amount: Int!): Int! decline: Int }',
    ],
    resolvers: {
      Mutation: {
        pay: (_, { amount }) => {
          paid.push(amount);
          return amount;
        },
        decline: () => {
          paid.push(0);
          throw new GraphQLError('Declined', { extensions: { code: 'CARD_DECLINED' } });
        },
      },
    },
  });
  const idempotency = createIdempotency({ store: createMemoryStore() });
  const file = 'apollo-server'; // the examples have a tsconfig.json of their own
  const { gatewayOf } = await import(`../../examples/hosts/${file}.ts`);
  const server = new ApolloServer<{ req: object }>({
    gateway: gatewayOf(schema, idempotency),
    includeStacktraceInErrorResponses: false,
    ...options,
  });
  const { url } = await startStandaloneServer(server, {
    listen: { port: 0 },
    context: async ({ req }) => ({ req }),
  });
  onTestFinished(() => server.stop());
  return {
    paid,
    async send(body: object, headers: Record<string, string> = { 'idempotency-key': 'k' }) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-user': 'ada', ...headers },
        body: JSON.stringify(body),
      });
      return { status: response.status, body: await response.json(), headers: response.headers };
    },
  };
}

const replayed = { idempotency: expect.objectContaining({ replayed: true }) };
const pay = (amount: number, key?: string) => ({
  query: `mutation { pay(amount: ${amount}) }`,
  ...(key && { extensions: { idempotencyKey: key } }),
});

it('a replay has the errors of the first answer, formatted again by `formatError`', async () => {
  const app = await start({ formatError: ({ message, ...rest }) => ({ ...rest, message: `${message}!` }) });
  const first = await app.send({ query: 'mutation { decline }' });
  const { body } = await app.send({ query: 'mutation { decline }' });
  expect(first.body.errors).toMatchObject([
    { message: 'Declined!', path: ['decline'], extensions: { code: 'CARD_DECLINED' } },
  ]);
  expect(body).toEqual({ ...first.body, extensions: replayed });
  expect(app.paid).toEqual([0]);
});

it("plugins see a run's resolvers, a replay without them, and the end of both", async () => {
  const seen: string[] = [];
  const plugin: ApolloServerPlugin = {
    requestDidStart: async () => ({
      executionDidStart: async () => ({
        willResolveField: ({ info }) => void seen.push(info.fieldName),
        executionDidEnd: async () => void seen.push('end'),
      }),
      willSendResponse: async () => void seen.push('sent'),
    }),
  };
  const app = await start({ plugins: [plugin] });
  for (let call = 0; call < 2; call++) expect((await app.send(pay(5))).body.data).toEqual({ pay: 5 });
  expect(seen).toEqual(['pay', 'end', 'sent', 'end', 'sent']);
});

it('a persisted query is the same request as its text', async () => {
  const app = await start();
  const { query } = pay(5);
  const sha256Hash = createHash('sha256').update(query).digest('hex');
  const extensions = { persistedQuery: { version: 1, sha256Hash } };
  expect((await app.send({ extensions })).body.errors[0].extensions.code).toBe('PERSISTED_QUERY_NOT_FOUND');
  expect((await app.send({ query, extensions })).body.data).toEqual({ pay: 5 });
  expect((await app.send({ extensions })).body).toMatchObject({ data: { pay: 5 }, extensions: replayed });
  expect(app.paid).toEqual([5]);
});

it('fields have keys of their own', async () => {
  const app = await start();
  const query = (second: number) =>
    `mutation { a: pay(amount: 1) @idempotent(key: "a") b: pay(amount: ${second}) @idempotent(key: "b${second}") }`;
  await app.send({ query: query(2) }, {});
  expect((await app.send({ query: query(3) }, {})).body).toMatchObject({
    data: { a: 1, b: 3 },
    extensions: { idempotency: { replayed: ['a'] } },
  });
  expect(app.paid).toEqual([1, 2, 3]);
});

it('in a batch each operation has its key in its extensions', async () => {
  const app = await start({ allowBatchedHttpRequests: true });
  const batch = [pay(1, 'a'), pay(2, 'b')];
  await app.send(batch, {});
  const { body, headers } = await app.send(batch, {});
  expect(body).toEqual([
    { data: { pay: 1 }, extensions: replayed },
    { data: { pay: 2 }, extensions: replayed },
  ]);
  expect([...app.paid].sort()).toEqual([1, 2]);
  expect(headers.get('idempotent-replayed')).toBeNull(); // it would speak of all of them
});

it('a header that would be the key of several operations of a batch lets one of them run', async () => {
  const app = await start({ allowBatchedHttpRequests: true });
  const { body } = await app.send([pay(1), pay(2)]);
  const codes = (body as { errors?: { extensions: { code: string } }[] }[]).map(
    ({ errors }) => errors?.[0]?.extensions.code,
  );
  expect(codes.sort()).toEqual(['IDEMPOTENCY_KEY_REUSED', undefined]);
  expect(app.paid).toHaveLength(1);
});
