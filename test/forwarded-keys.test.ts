import { createSchema, createYoga } from 'graphql-yoga';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { idempotencyDirectives, useIdempotency } from '../plugin/graphql/index.ts';
import { createIdempotencyHandler } from '../plugin/http/index.ts';
import { createIdempotencyMiddleware } from '../plugin/trpc/index.ts';
import { createIdempotency, currentRun } from '../server/index.ts';
import { openFreshStore } from './graphql/store.ts';
import { plain as t } from './trpc/support.ts';

// A shop whose handlers call a payments service in the same process, and forward their key as one does to a service.

const opened = await openFreshStore();
afterAll(() => opened[Symbol.asyncDispose]());
const idempotency = createIdempotency({ store: opened.store });
let charges = 0;
beforeEach(() => {
  charges = 0;
});

interface Service {
  /** With this key, or none, on a request of its own. */
  charge(key?: string): Promise<string>;
  /** With a request that its caller was given. */
  chargeWith(request: Request): Promise<string>;
}

function graphql(scope: string): Service {
  const yoga = createYoga({
    logging: false,
    schema: createSchema({
      typeDefs: [
        idempotencyDirectives,
        'type Query { ok: Int } type Mutation { charge: Int @requiresIdempotencyKey }',
      ],
      resolvers: { Mutation: { charge: () => ++charges } },
    }),
    plugins: [useIdempotency({ idempotency, scope: () => scope })],
  });
  const query = 'mutation { charge }';
  return {
    charge: async (key) => (await yoga.fetch('http://payments/graphql', post({ query }, key))).text(),
    async chargeWith(request) {
      const { schema, parse, execute, contextFactory } = yoga.getEnveloped({
        request,
        params: { query },
      } as never);
      return JSON.stringify(
        await execute({ schema, document: parse(query), contextValue: await contextFactory() }),
      );
    },
  };
}

function trpc(scope: string): Service {
  const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: () => scope });
  const router = t.router({
    charge: t.procedure.use(idempotent({ require: true })).mutation(() => ++charges),
  });
  const call = (req: object) =>
    router
      .createCaller({ req } as never)
      .charge()
      .then(String, (error) => JSON.stringify({ code: error.cause?.code, reason: error.cause?.reason }));
  return {
    charge: (key) => call({ headers: key === undefined ? {} : { 'idempotency-key': key } }),
    chargeWith: call,
  };
}

function http(scope: string): Service {
  const idempotent = createIdempotencyHandler({ idempotency, scope: () => scope });
  const handler = idempotent(() => Response.json(++charges), { require: true });
  return {
    charge: async (key) => (await handler(new Request('http://payments', post({}, key)))).text(),
    chargeWith: async (request) => (await handler(request.clone() as Request)).text(),
  };
}

function post(body: object, key?: string): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== undefined && { 'idempotency-key': key }) },
    body: JSON.stringify(body),
  };
}

/** A server around it, whose handler does this and then gives its key back. */
type Shop = (order: (request: Request) => Promise<string>) => (key: string) => Promise<string>;

const shops: Record<string, Shop> = {
  GraphQL(order) {
    const yoga = createYoga({
      logging: false,
      schema: createSchema<{ request: Request }>({
        typeDefs: 'type Query { ok: Int } type Mutation { order: String }',
        resolvers: { Mutation: { order: (_, __, { request }) => order(request) } },
      }),
      plugins: [useIdempotency({ idempotency, scope: () => 'customer' })],
    });
    return async (key) =>
      (await yoga.fetch('http://shop/graphql', post({ query: 'mutation { order }' }, key))).text();
  },
  tRPC(order) {
    const idempotent = createIdempotencyMiddleware(t, { idempotency, scope: () => 'customer' });
    const router = t.router({
      order: t.procedure.use(idempotent()).mutation(({ ctx }) => order(ctx.req as never)),
    });
    return (key) => router.createCaller({ req: new Request('http://shop', post({}, key)) } as never).order();
  },
  HTTP(order) {
    const idempotent = createIdempotencyHandler({ idempotency, scope: () => 'customer' });
    const handler = idempotent(async (request) => new Response(await order(request)));
    return async (key) => (await handler(new Request('http://shop', post({}, key)))).text();
  },
};

const services = { GraphQL: graphql, tRPC: trpc, HTTP: http };
let count = 0;

describe.each(Object.entries(shops))('inside of a run of %s', (_, shop) => {
  describe.each(Object.entries(services))('a call of %s', (name, service) => {
    it('with the forwarded key has its own record, in its own scope', async () => {
      const payments = service(`payments-${count}`);
      const send = shop(async () => {
        const answer = await payments.charge(currentRun()?.key);
        currentRun()?.release('the warehouse is busy');
        return answer;
      });
      const key = `f${count++}`;
      expect(await send(key)).toContain('1');
      expect(await send(key)).toContain('1');
      expect(charges).toBe(1);
    });

    it('with the forwarded key in the scope of the run around is refused at once', async () => {
      const payments = service('customer');
      const send = shop(() => payments.charge(currentRun()?.key));
      expect(await send(`f${count++}`)).toContain('own_run');
      expect(charges).toBe(0);
    });

    it('without a key is refused where one is required', async () => {
      const payments = service('payments');
      const send = shop(() => payments.charge().then(String));
      expect(await send(`f${count++}`)).toContain('IDEMPOTENCY_KEY_MISSING');
      expect(charges).toBe(0);
    });

    if (name !== 'HTTP') {
      it('with the very request of the run is part of what the run does, and runs each time', async () => {
        const payments = service('payments');
        const send = shop(
          async (request) => `${await payments.chargeWith(request)}${await payments.chargeWith(request)}`,
        );
        const first = await send(`f${count++}`);
        expect(first).toContain('1');
        expect(charges).toBe(2);
      });
    }
  });
});
