import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { initTRPC } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { createSchema, createYoga } from 'graphql-yoga';
import { z } from 'zod';
import { useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotencyMiddleware, idempotencyErrorFormatter } from '../../plugin/trpc/index.ts';
import { currentRun, type Idempotency, requireRun } from '../../server/index.ts';

/** Makes a provider that charges a card once for each of its keys, as Stripe does; without one, each time. */
export function createProvider() {
  const keys = new Set<string>();
  const charges = new Map<string, number>();
  return {
    charge(operation: string, idempotencyKey: string = randomUUID()): string {
      if (!keys.has(idempotencyKey)) charges.set(operation, (charges.get(operation) ?? 0) + 1);
      keys.add(idempotencyKey);
      return `ch_${idempotencyKey}`;
    },
    charges: (operation: string) => charges.get(operation) ?? 0,
  };
}

type Provider = ReturnType<typeof createProvider>;

interface Context {
  readonly req?: IncomingMessage;
  readonly user: string | undefined;
}

/** Makes procedures of tRPC: a sound one, and those with one fault each. */
function createRouter(idempotency: Idempotency, provider: Provider) {
  const t = initTRPC.context<Context>().create({ errorFormatter: idempotencyErrorFormatter });
  const guard = { idempotency, scope: ({ ctx }: { ctx: Context }) => ctx.user };
  const idempotent = createIdempotencyMiddleware(t, { ...guard, require: true });
  const Payment = z.object({ amount: z.number(), fails: z.boolean().optional() });
  const procedure = t.procedure.input(Payment);
  /** Charges, and breaks after that where the test says so. */
  const charge =
    (operation: string) =>
    async ({ input }: { input: z.infer<typeof Payment> }) => {
      const id = provider.charge(operation, currentRun()?.downstreamKey('charge'));
      if (input.fails) throw new Error('The mail could not be sent');
      return { id, amount: input.amount };
    };

  return t.router({
    sound: procedure.use(idempotent()).mutation(charge('sound')),
    soundSteps: procedure.use(idempotent({ onCrash: 'retry' })).mutation(({ input }) =>
      requireRun().step('charge', ({ key }) => ({
        id: provider.charge('soundSteps', key),
        amount: input.amount,
      })),
    ),
    keyNotRequired: procedure.use(createIdempotencyMiddleware(t, guard)()).mutation(charge('keyNotRequired')),
    keyOfItsOwn: procedure.use(idempotent({ key: () => randomUUID() })).mutation(charge('keyOfItsOwn')),
    freshAnswer: procedure
      .use(async ({ next }) => {
        const result = await next();
        return result.ok
          ? { ...result, data: { ...(result.data as object), traceId: randomUUID() } }
          : result;
      })
      .use(idempotent())
      .mutation(charge('freshAnswer')),
    effectBefore: procedure
      .use(({ next }) => {
        provider.charge('effectBefore');
        return next();
      })
      .use(idempotent())
      .mutation(({ input }) => ({ amount: input.amount })),
    sharedScope: procedure
      .use(createIdempotencyMiddleware(t, { ...guard, require: true, scope: () => 'global' })())
      .mutation(charge('sharedScope')),
  });
}

const FIELDS = ['soundField', 'argumentsIgnored', 'releasedFailure', 'crashRepeats'];

/** Makes the fields of GraphQL: a sound one, and those with one fault each. */
function createApi(idempotency: Idempotency, provider: Provider) {
  const charge = (operation: string, idempotencyKey?: string) => (amount: number, fails?: boolean | null) => {
    const id = provider.charge(operation, idempotencyKey);
    if (fails) throw new Error('The mail could not be sent');
    return { id, amount };
  };
  interface Args {
    readonly amount: number;
    readonly fails?: boolean | null;
  }
  const own =
    (operation: string) =>
    (_: unknown, { amount, fails }: Args) =>
      charge(operation, requireRun().downstreamKey('charge'))(amount, fails);
  return createYoga<object, Context>({
    graphqlEndpoint: '/graphql',
    logging: false,
    context: ({ request }) => ({ user: request.headers.get('authorization') ?? undefined }),
    schema: createSchema<Context>({
      typeDefs: `
        type Query { ok: Boolean }
        type Charge { id: ID!, amount: Int! }
        type Mutation { ${FIELDS.map((field) => `${field}(amount: Int!, fails: Boolean): Charge!`).join('\n')} }
      `,
      resolvers: {
        Mutation: {
          soundField: own('soundField'),
          argumentsIgnored: own('argumentsIgnored'),
          releasedFailure: (_: unknown, { amount, fails }: Args) => charge('releasedFailure')(amount, fails),
          crashRepeats: (_: unknown, { amount, fails }: Args) => charge('crashRepeats')(amount, fails),
        },
      },
    }),
    plugins: [
      useIdempotency<Context>({
        idempotency,
        scope: ({ context }) => context.user,
        require: true,
        fields: {
          argumentsIgnored: { fingerprint: () => 'the same' },
          releasedFailure: { classify: ({ outcome }) => (outcome === 'error' ? 'release' : 'store') },
          crashRepeats: { onCrash: 'retry' },
        },
      }),
    ],
  });
}

/** Makes an application with a GraphQL and a tRPC API, in which eight mutations have one fault each, and three have none. */
export function createFaultyApp(idempotency: Idempotency, provider: Provider) {
  const yoga = createApi(idempotency, provider);
  const trpc = createHTTPHandler({
    basePath: '/trpc/',
    router: createRouter(idempotency, provider),
    createContext: ({ req }): Context => ({ req, user: req.headers.authorization }),
  });
  return createServer((req, res) => (req.url?.startsWith('/trpc/') ? trpc(req, res) : yoga(req, res)));
}
