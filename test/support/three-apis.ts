import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { initTRPC, type TRPCDataTransformer } from '@trpc/server';
import { createHTTPHandler } from '@trpc/server/adapters/standalone';
import { createSchema, createYoga } from 'graphql-yoga';
import type { z } from 'zod';
import { createKeyStatusField, useIdempotency } from '../../plugin/graphql/index.ts';
import { createIdempotencyHandler, createKeyStatusHandler, toNodeHandler } from '../../plugin/http/index.ts';
import {
  createIdempotencyMiddleware,
  createKeyStatusProcedure,
  idempotencyErrorFormatter,
  idempotencyResponseMeta,
} from '../../plugin/trpc/index.ts';
import type { Idempotency, Policy, RequestPolicy } from '../../server/index.ts';
import { listen } from './listen.ts';

/** `mode` names a behaviour of the test: it is a header, so that a retry's body is the same without it. */
type Mutation<Input> = (input: Input, mode: string | undefined) => unknown;

/** What the functions of each adapter's options are shown here of a call: its headers. */
type Header = (name: string) => string | undefined;
type ByHeader<T> = (header: Header) => T | Promise<T>;

export interface ThreeApisOptions<Input> {
  /** Or a function that gives the one of a call. */
  readonly idempotency: Idempotency | ByHeader<Idempotency>;
  readonly enabled?: boolean | ByHeader<boolean>;
  /** Decides the policy of all mutations by request. */
  readonly decide?: ByHeader<RequestPolicy>;
  /** Decides that of each. */
  readonly decideOne?: ByHeader<RequestPolicy>;
  /** `type Mutation` of GraphQL, and what it needs. */
  readonly typeDefs: string;
  /** Of each mutation, in tRPC and plain HTTP. */
  readonly input: z.ZodType<Input>;
  readonly mutations: Readonly<Record<string, Mutation<Input>>>;
  readonly policy?: Policy;
  /** Whether each call needs a key. Default: false. */
  readonly require?: boolean;
  /** Of GraphQL. Default: true, as Yoga has it. */
  readonly maskedErrors?: boolean;
  /** Of tRPC. Default: none. */
  readonly transformer?: TRPCDataTransformer;
}

export interface ThreeApis extends AsyncDisposable {
  readonly url: string;
  /** Resolves when the requests under way have been answered. */
  drain(): Promise<void>;
}

/**
 * Serves the same mutations by real Yoga, tRPC and plain HTTP servers on one port, each with its adapter as a user
 * would put it: at `/graphql`, `/trpc/<name>` and `/<name>`. The scope is the header `x-user`. Each API can be asked about a key:
 * by the field `idempotencyKey`, at `/trpc/keyStatus` and at `/status`; a caller with the header `x-denied` may know of none.
 */
export async function startThreeApis<Input>(options: ThreeApisOptions<Input>): Promise<ThreeApis> {
  const [yoga, trpc, http, status] = [yogaOf(options), trpcOf(options), httpOf(options), statusOf(options)];
  const server = createServer((req, res) => {
    if (req.url?.startsWith('/trpc/')) return trpc(req, res);
    if (req.url?.startsWith('/status')) return status(req, res);
    return req.url?.startsWith('/graphql') ? yoga(req, res) : http(req, res);
  });
  server.keepAliveTimeout = 0; // on a busy machine it would close a connection that a client has just used again
  const { url } = await listen(server);
  const closed = once(server, 'close');
  server.on('request', (_, response) => {
    response.once('close', () => server.listening || server.closeIdleConnections());
  });
  const drain = async () => {
    server.close();
    await closed;
  };
  return {
    url,
    drain,
    [Symbol.asyncDispose]() {
      server.closeAllConnections();
      return drain();
    },
  };
}

/** Makes the options of an adapter, whose functions are shown a call of `Call`. */
function optionsFor<Call, Input>(
  { idempotency, enabled, require, decide, decideOne }: ThreeApisOptions<Input>,
  headerOf: (call: Call) => Header,
) {
  const by =
    <T>(of: ByHeader<T>) =>
    (call: Call) =>
      of(headerOf(call));
  const ofAll = {
    idempotency: typeof idempotency === 'function' ? by(idempotency) : idempotency,
    ...(enabled !== undefined && { enabled: typeof enabled === 'function' ? by(enabled) : enabled }),
    ...(require !== undefined && { require }),
    ...(decide && { policy: by(decide) }),
  };
  return { ofAll, ofOne: decideOne ? { policy: by(decideOne) } : {} };
}

const graphqlHeaders =
  ({ context }: { context: { request: Request } }): Header =>
  (name) =>
    context.request.headers.get(name) ?? undefined;
const trpcHeaders =
  ({ ctx }: { ctx: { req: IncomingMessage } }): Header =>
  (name) =>
    ctx.req.headers[name] as string | undefined;
const httpHeaders =
  ({ request }: { request: Request }): Header =>
  (name) =>
    request.headers.get(name) ?? undefined;

function yogaOf<Input>(options: ThreeApisOptions<Input>) {
  const { typeDefs, mutations, policy = {}, maskedErrors = true } = options;
  const { ofAll, ofOne } = optionsFor(options, graphqlHeaders);
  const each = <T>(make: (mutation: Mutation<Input>) => T) =>
    Object.fromEntries(Object.entries(mutations).map(([name, mutation]) => [name, make(mutation)]));
  const scope = ({ context }: { context: { request: Request } }) => context.request.headers.get('x-user');
  const status = createKeyStatusField({
    idempotency: ofAll.idempotency,
    scope,
    authorizeReplay: ({ context: { request } }) => !request.headers.has('x-denied'),
  });
  return createYoga({
    logging: false,
    maskedErrors,
    schema: createSchema({
      typeDefs: [`type Query { ok: Boolean } ${typeDefs}`, status.typeDefs],
      resolvers: {
        ...status.resolvers,
        Mutation: each(
          (mutation) =>
            (_: unknown, args: Input, { request }: { request: Request }) =>
              mutation(args, request.headers.get('x-mode') ?? undefined),
        ),
      },
    }),
    plugins: [
      useIdempotency({
        ...ofAll,
        scope,
        fields: each(() => ({ ...policy, ...ofOne })),
      }),
    ],
  });
}

function trpcOf<Input>(options: ThreeApisOptions<Input>) {
  const { input, mutations, policy, transformer } = options;
  const { ofAll, ofOne } = optionsFor(options, trpcHeaders);
  const t = initTRPC.context<{ req: IncomingMessage }>().create({
    isDev: false,
    ...(transformer && { transformer }),
    errorFormatter: idempotencyErrorFormatter,
  });
  const header = (req: IncomingMessage, name: string) => req.headers[name] as string | undefined;
  const scope = ({ ctx }: { ctx: { req: IncomingMessage } }) => header(ctx.req, 'x-user') ?? null;
  const idempotent = createIdempotencyMiddleware(t, { ...ofAll, scope });
  const keyStatus = createKeyStatusProcedure(t, {
    idempotency: ofAll.idempotency,
    scope,
    authorizeReplay: ({ ctx }) => header(ctx.req, 'x-denied') === undefined,
  });
  const procedures = Object.entries(mutations).map(([name, mutation]) => [
    name,
    t.procedure
      .input(input)
      .use(idempotent({ ...policy, ...ofOne }))
      .mutation(({ ctx, input }) => mutation(input as Input, header(ctx.req, 'x-mode'))),
  ]);
  return createHTTPHandler({
    basePath: '/trpc/',
    responseMeta: idempotencyResponseMeta,
    router: t.router({ ...Object.fromEntries(procedures), keyStatus }),
    createContext: ({ req }) => ({ req }),
  });
}

function httpOf<Input>(options: ThreeApisOptions<Input>) {
  const { input, mutations, policy = {} } = options;
  const { ofAll, ofOne } = optionsFor(options, httpHeaders);
  const handler = async (request: Request) => {
    const mutation = mutations[new URL(request.url).pathname.slice(1)];
    if (!mutation) return new Response('no such mutation', { status: 404 });
    const mode = request.headers.get('x-mode') ?? undefined;
    return Response.json(await mutation(input.parse(await request.json()), mode));
  };
  const idempotent = createIdempotencyHandler({
    ...ofAll,
    scope: ({ request }) => request.headers.get('x-user'),
    onError: (error) => Response.json({ message: String(error) }, { status: 500 }),
  });
  return toNodeHandler(idempotent(handler, { ...policy, ...ofOne }));
}

function statusOf<Input>(options: ThreeApisOptions<Input>) {
  const { idempotency } = optionsFor(options, httpHeaders).ofAll;
  return toNodeHandler(
    createKeyStatusHandler({
      idempotency,
      scope: ({ request }) => request.headers.get('x-user'),
      authorizeReplay: ({ request }) => !request.headers.has('x-denied'),
    }),
  );
}
