import { randomUUID } from 'node:crypto';
import { envelop, useEngine, useSchema } from '@envelop/core';
import { initTRPC, TRPCError } from '@trpc/server';
import { execute, parse, subscribe, validate } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import superjson from 'superjson';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createGraphQLRerunner, useIdempotency } from '../../plugin/graphql/index.ts';
import { createHttpRerunner, createIdempotencyHandler } from '../../plugin/http/index.ts';
import { createIdempotencyMiddleware, createTRPCRerunner } from '../../plugin/trpc/index.ts';
import type { Rerunner } from '../../server/admin/index.ts';
import { createIdempotency, type Idempotency } from '../../server/index.ts';
import { createMemoryStore } from '../../server/memory/index.ts';
import { type Admin, ago, ahead, failed, REASON, responseOf, startAdmin } from './support.ts';

interface Api {
  readonly operation: string;
  readonly rerunner: Rerunner;
  readonly runs: string[];
  /** As a client would. */
  send(key: string): Promise<string>;
}

type Members = Record<string, string | undefined>;

/** `pay(amount)`; whoever is no member may send nothing. */
function graphqlApi(idempotency: Idempotency, members: Members): Api {
  const runs: string[] = [];
  const yoga = createYoga({
    logging: false,
    schema: createSchema({
      typeDefs: TYPES,
      resolvers: {
        Mutation: {
          pay: (_, { amount }: { amount: number }, { request }: { request: Request }) => {
            runs.push(String(request.headers.get('x-user')));
            return { id: 'r1', amount };
          },
        },
      },
    }),
    plugins: [
      useIdempotency({
        idempotency,
        scope: ({ context }) => context.request.headers.get('x-user'),
        key: ({ context }) => context.request.headers.get('idempotency-key'), // a re-run has its key elsewhere
      }),
    ],
  });
  const post = async (key: string) =>
    (
      await yoga.fetch('http://api/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-user': 'acme', 'idempotency-key': key },
        body: JSON.stringify({ query: QUERY, variables: { amount: 5 } }),
      })
    ).text();
  const rerunner = createGraphQLRerunner({
    yoga,
    actAs: ({ scope }) => {
      const user = members[scope];
      return user === undefined ? null : { scope: user, label: user, headers: { 'x-user': user } };
    },
  });
  return { operation: 'pay', rerunner, runs, send: post };
}

/** The same without Yoga. */
function envelopApi(idempotency: Idempotency, members: Members): Api {
  const runs: string[] = [];
  type Context = { user: string; params: object; job?: string };
  const schema = createSchema<Context>({
    typeDefs: TYPES,
    resolvers: {
      Mutation: {
        pay: (_, { amount }: { amount: number }, { user }) => {
          runs.push(user);
          return { id: 'r1', amount };
        },
      },
    },
  });
  const getEnveloped = envelop({
    plugins: [
      useEngine({ parse, validate, execute, subscribe }),
      useSchema(schema),
      useIdempotency<Context>({
        idempotency,
        scope: ({ context }) => context.user,
        key: ({ context }) => context.job, // a re-run has none
      }),
    ],
  });
  const send = async (key: string) => {
    const enveloped = getEnveloped({ user: 'acme', params: { query: QUERY }, job: key });
    const contextValue = await enveloped.contextFactory();
    const document = enveloped.parse(QUERY);
    return JSON.stringify(
      await enveloped.execute({
        schema: enveloped.schema,
        document,
        contextValue,
        variableValues: { amount: 5 },
      }),
    );
  };
  const rerunner = createGraphQLRerunner({
    getEnveloped,
    actAs: ({ scope }) => {
      const user = members[scope];
      return user === undefined ? null : { scope: user, label: user, serverContext: { user } };
    },
  });
  return { operation: 'pay', rerunner, runs, send };
}

const TYPES =
  'type Query { ok: Boolean } type Receipt { id: ID! amount: Int! } type Mutation { pay(amount: Int!): Receipt }';
const QUERY = 'mutation ($amount: Int!) { pay(amount: $amount) { id amount } }';

function trpcApi(idempotency: Idempotency, members: Members): Api {
  const runs: string[] = [];
  const t = initTRPC.context<{ user: string | null; job?: string }>().create({ transformer: superjson });
  const idempotent = createIdempotencyMiddleware(t, {
    idempotency,
    scope: ({ ctx }) => ctx.user,
    key: ({ ctx }) => ctx.job, // a re-run has none
  });
  const router = t.router({
    pay: t.procedure
      .input(z.object({ amount: z.number() }))
      .use(idempotent())
      .mutation(({ ctx, input }) => {
        runs.push(String(ctx.user));
        return { id: 'r1', amount: input.amount };
      }),
  });
  const rerunner = createTRPCRerunner({
    router,
    actAs: ({ scope }) => {
      const user = members[scope];
      return user === undefined ? null : { scope: user, label: user, ctx: { user } };
    },
  });
  const send = async (key: string) =>
    JSON.stringify(await router.createCaller({ user: 'acme', job: key }).pay({ amount: 5 }));
  return { operation: 'pay', rerunner, runs, send };
}

/** Handlers of their own, which a route function finds by path. */
function httpApi(idempotency: Idempotency, members: Members): Api {
  const runs: string[] = [];
  const idempotent = createIdempotencyHandler({
    idempotency,
    scope: ({ request }) => request.headers.get('x-user'),
    key: ({ request }) => request.headers.get('x-job'), // a re-run has none
  });
  const pay = idempotent(async (request) => {
    runs.push(String(request.headers.get('x-user')));
    return Response.json({ id: 'r1', ...((await request.json()) as object) });
  });
  const rerunner = createHttpRerunner({
    route: ({ url }) => (new URL(url).pathname === '/pay' ? pay : undefined),
    actAs: ({ scope }) => {
      const user = members[scope];
      return user === undefined ? null : { scope: user, label: user, headers: { 'x-user': user } };
    },
  });
  const send = async (key: string) => {
    const headers = { 'content-type': 'application/json', 'x-user': 'acme', 'x-job': key };
    return (
      await pay(new Request('http://api/pay', { method: 'POST', headers, body: '{"amount":5}' }))
    ).text();
  };
  return { operation: 'POST', rerunner, runs, send };
}

const FAILURES: Readonly<Record<string, object>> = {
  'graphql/1': failed(),
  'trpc/1': {
    outcome: 'error',
    response: responseOf('{"error":{"code":"CONFLICT","message":"declined"}}', 'trpc/1'),
  },
  'http/1': {
    outcome: 'error',
    response: responseOf('{"status":402,"headers":[],"text":"declined"}', 'http/1'),
  },
};

const APIS = [
  [
    'GraphQL',
    graphqlApi,
    'graphql/1',
    { query: QUERY, variables: { amount: 5 } },
    { query: 'mutation { gone }' },
  ],
  [
    'GraphQL without Yoga',
    envelopApi,
    'graphql/1',
    { query: QUERY, variables: { amount: 5 } },
    { query: 'mutation { gone }' },
  ],
  ['tRPC', trpcApi, 'trpc/1', { path: 'pay', input: { json: { amount: 5 } } }, { path: 'gone' }],
  [
    'HTTP',
    httpApi,
    'http/1',
    {
      method: 'POST',
      path: '/pay',
      headers: [['content-type', 'application/json']],
      text: '{"amount":5}',
    },
    { method: 'POST', path: '/gone', headers: [], text: '{}' },
  ],
] as const;

describe.each(APIS)('%s', (_name, createApi, format, captured, outdated) => {
  const requestOf = (body: object) => responseOf(JSON.stringify(body), format);

  async function start(members: Members = { acme: 'acme' }) {
    const rerunners: Rerunner[] = [];
    const admin = await startAdmin({ rerunners });
    const api = createApi(admin.idempotency, members);
    rerunners.push(api.rerunner);
    return { admin, api };
  }

  /** A key that failed at first, with what was captured of its request, and the fingerprint that a client's retry has. */
  async function failedKey(
    admin: Admin,
    api: Api,
    request: object = captured,
  ): Promise<{ id: string; key: string }> {
    const key = `k-${randomUUID()}`;
    await api.send(key);
    const keys = admin.db.collection('idempotency_keys');
    await keys.updateOne({ key }, { $set: { ...FAILURES[format], request: requestOf(request) } });
    const found = await keys.findOne({ key });
    api.runs.length = 0;
    return { id: String(found?._id), key };
  }

  async function rerun(admin: Admin, id: string) {
    const { seen } = await admin.ada.keys.get.query({ id });
    if (!seen) throw new TypeError('Expected a record that can be read');
    const commandKey = randomUUID();
    return admin.ada.keys.act.mutate({
      action: 'rerun',
      seen,
      reason: REASON,
      confirm: 'rerun',
      mayRepeat: true,
      commandKey,
    });
  }

  it('a dry run shows the request and whom it runs as, and runs nothing; the re-run then sends it with its key', async () => {
    const { admin, api } = await start();
    await using _ = admin;
    const { id, key } = await failedKey(admin, api);
    const dry = await admin.ada.keys.dryRun.query({ id });
    expect(dry).toMatchObject({ possible: true, actsAs: 'acme', operation: api.operation });
    expect(dry.request).toContain('5');
    expect(api.runs).toEqual([]);
    const result = await rerun(admin, id);
    expect(result).toMatchObject({
      done: true,
      note: expect.stringMatching(/^It ran, and succeeded/),
      isProblem: false,
    });
    expect(result.detail).toMatchObject({ state: 'completed', outcome: 'success', attempts: '2' });
    expect(api.runs).toEqual(['acme']);
    expect(await api.send(key)).toContain('r1');
    expect(api.runs).toEqual(['acme']);
  });

  it.each([
    ['is in doubt', { state: 'in_doubt' }, /^The key is in doubt again/],
    ['holds an error', { state: 'completed', ...failed({ completedAt: new Date() }) }, /^It ran, and failed/],
    ['is released', { state: 'released' }, /^The key is released/],
    ['runs', { state: 'running', leaseExpiresAt: ahead(60_000) }, /^It is running/],
    ['has lapsed', { state: 'running', leaseExpiresAt: ago(1_000) }, /^The run did not end/],
  ])(
    'whose key %s afterwards is told as that, whatever the call was answered, and so is its entry',
    async (_, fields, told) => {
      const { admin, api } = await start();
      await using _admin = admin;
      const { id, key } = await failedKey(admin, api);
      Object.assign(api.rerunner, {
        run: async () => {
          await admin.db.collection('idempotency_keys').updateOne({ key }, { $set: fields });
          return 'It was answered without an error.';
        },
      });
      const note = expect.stringMatching(told);
      expect(await rerun(admin, id)).toMatchObject({ done: true, isProblem: true, note });
      const { entries } = await admin.vic.audit.list.query({ keyId: id });
      expect(entries).toMatchObject([{ action: 'rerun', result: 'done', note }]);
      expect(entries[0]?.after).toMatch(new RegExp(`^${fields.state}.*, fence`));
    },
  );

  it('says so when the retry of a client was first', async () => {
    const { admin, api } = await start();
    await using _ = admin;
    const { id, key } = await failedKey(admin, api);
    const { check, run } = api.rerunner;
    // Between the release and the rerunner's call.
    Object.assign(api.rerunner, {
      check,
      run: async (request: Parameters<Rerunner['run']>[0]) => {
        await api.send(key);
        return run(request);
      },
    });
    const result = await rerun(admin, id);
    expect(result).toMatchObject({
      done: true,
      note: expect.stringContaining('A retry of the client was first'),
    });
    expect(api.runs).toHaveLength(1);
  });

  it.each([
    ['whoever sent it may not any more', {}, captured, /may not any more/],
    ['who sent it has another scope by now', { acme: 'other' }, captured, /another scope/],
    ['the API has changed', { acme: 'acme' }, outdated, /no longer valid|any more/],
  ])('is refused, and leaves the key as it is, when %s', async (_why, members, request, why) => {
    const { admin, api } = await start(members);
    await using _ = admin;
    const { id } = await failedKey(admin, api, request);
    const before = await admin.find(id);
    expect(await admin.ada.keys.dryRun.query({ id })).toMatchObject({
      possible: false,
      why: expect.stringMatching(why),
    });
    expect(await rerun(admin, id)).toMatchObject({ done: false, why: expect.stringMatching(why) });
    expect(await admin.find(id)).toEqual(before);
    expect(api.runs).toEqual([]);
  });

  describe('a dry run compares the captured request with what the key is bound to', () => {
    it.each([
      ['another request', ` ${'0'.repeat(64)}`, /refused with IDEMPOTENCY_KEY_REUSED/],
      ['a rule that this server does not know', 's0:00', /refused with IDEMPOTENCY_RECORD_UNREADABLE/],
    ])('%s: the re-run is not possible, says why, and leaves the key as it is', async (_, bound, why) => {
      const { admin, api } = await start();
      await using _admin = admin;
      const { id, key } = await failedKey(admin, api);
      const fingerprint = bound.replace(
        /^ /,
        `${String((await admin.find(id))?.fingerprint).split(':')[0]}:`,
      );
      await admin.db.collection('idempotency_keys').updateOne({ key }, { $set: { fingerprint } });
      const before = await admin.find(id);
      const impossible = expect.stringMatching(why);
      expect(await admin.ada.keys.dryRun.query({ id })).toMatchObject({ possible: false, why: impossible });
      expect(await rerun(admin, id)).toMatchObject({ done: false, why: impossible });
      expect(await admin.find(id)).toEqual(before);
      expect(api.runs).toEqual([]);
    });

    it('a key that its run has released takes any request', async () => {
      const { admin, api } = await start();
      await using _ = admin;
      const { id, key } = await failedKey(admin, api);
      await admin.db.collection('idempotency_keys').updateOne({ key }, { $unset: { fingerprint: '' } });
      expect(await admin.ada.keys.dryRun.query({ id })).toMatchObject({ possible: true, actsAs: 'acme' });
    });

    it('a key that an earlier policy has bound is compared by the rule of that', async () => {
      const { admin, api } = await start();
      await using _ = admin;
      await using earlier = await startAdmin({
        beside: admin,
        idempotency: { fingerprint: { exclude: ['amount'] } },
      });
      const { id } = await failedKey(admin, { ...api, ...createApi(earlier.idempotency, {}) });
      expect((await admin.find(id))?.fingerprint).toMatch(/ without /);
      expect(await admin.ada.keys.dryRun.query({ id })).toMatchObject({ possible: true, actsAs: 'acme' });
      expect(await rerun(admin, id)).toMatchObject({ done: true, isProblem: false });
      expect(api.runs).toEqual(['acme']);
    });
  });

  it('what an operator gives as the response is what the client gets, in the form that it knows', async () => {
    const { admin, api } = await start();
    await using _ = admin;
    const { id, key } = await failedKey(admin, api);
    await admin.db
      .collection('idempotency_keys')
      .updateOne(
        { key },
        { $set: { state: 'in_doubt' }, $unset: { outcome: '', response: '', completedAt: '' } },
      );
    const data = format === 'graphql/1' ? { pay: { id: 'r9', amount: 5 } } : { id: 'r9', amount: 5 };
    const { seen } = await admin.ada.keys.get.query({ id });
    if (!seen) throw new TypeError('Expected a record that can be read');
    const command = { action: 'complete', seen, reason: REASON, commandKey: randomUUID() } as const;
    await expect(admin.ada.keys.act.mutate({ ...command, response: '{"pay": ' })).rejects.toMatchObject({
      data: { code: 'BAD_REQUEST' },
    });
    if (format === 'graphql/1') {
      const wrong = JSON.stringify({ pay: { id: 'r9', amount: 'five' } });
      await expect(admin.ada.keys.act.mutate({ ...command, response: wrong })).rejects.toThrow(/Int/);
    }
    const result = await admin.ada.keys.act.mutate({ ...command, response: JSON.stringify(data) });
    expect(result).toMatchObject({ done: true });
    expect(await api.send(key)).toContain('r9');
    expect(api.runs).toEqual([]);
  });
});

describe('a dry run of what has lost its protection runs nothing, and can not tell what the key will say', () => {
  const actAs = () => ({ scope: 'acme', label: 'acme', ctx: {}, headers: {} });
  const runs: string[] = [];
  const resolvers = { Mutation: { pay: () => runs.push('graphql') && { id: 'r1', amount: 5 } } };
  const t = initTRPC.create();
  const yoga = createYoga({ logging: false, schema: createSchema({ typeDefs: TYPES, resolvers }) });
  const router = t.router({ pay: t.procedure.mutation(() => runs.push('trpc')) });
  const handler = async () => {
    runs.push('http');
    return new Response();
  };

  it.each<[string, Rerunner, object]>([
    ['GraphQL', createGraphQLRerunner({ yoga, actAs }), { query: QUERY, variables: { amount: 5 } }],
    ['tRPC', createTRPCRerunner({ router, actAs }), { path: 'pay' }],
    ['HTTP', createHttpRerunner({ handler, actAs }), { method: 'POST', path: '/', headers: [], text: '' }],
  ])('%s', async (_, rerunner, request) => {
    const captured = { scope: 'acme', key: 'k', operation: 'pay', fingerprint: 's1:0' };
    const check = await rerunner.check({ ...captured, body: JSON.stringify(request) });
    expect(check).toEqual({ possible: true, label: 'acme' });
    expect(runs).toEqual([]);
  });
});

describe('a dry run of a call that is refused on its way says so', () => {
  it('by a middleware in front of the key', async () => {
    const idempotency = createIdempotency({ store: createMemoryStore() });
    const t = initTRPC.context<object>().create();
    const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: () => 'acme' });
    const guarded = t.procedure.use(() => {
      throw new TRPCError({ code: 'FORBIDDEN', message: 'The account is closed' });
    });
    const router = t.router({ pay: guarded.use(idempotent()).mutation(() => 'paid') });
    const rerunner = createTRPCRerunner({ router, actAs: () => ({ scope: 'acme', label: 'acme', ctx: {} }) });
    const request = {
      scope: 'acme',
      key: 'k',
      operation: 'pay',
      fingerprint: 's1:0',
      body: '{"path":"pay"}',
    };
    await expect(rerunner.check(request)).rejects.toThrow(
      /before its key is looked at: .*The account is closed/,
    );
  });
});
