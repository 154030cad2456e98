import type { Server } from 'node:http';
import type { ExecutionArgs, ExecutionResult } from 'graphql';
import { createClient, type SubscribePayload } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import type { YogaServerInstance } from 'graphql-yoga';
import { WebSocket, WebSocketServer } from 'ws';
import { gate } from '../support/gate.ts';
import { type Shop, type ShopOptions, startShop } from './support.ts';

/** A shop that is served over WebSockets, too. */
export interface SocketShop extends AsyncDisposable {
  readonly shop: Shop;
  /** Resolves when the server has seen a socket close. */
  readonly closed: Promise<void>;
  /** One socket. @param headers of the request that opens it */
  connect(connectionParams?: Record<string, unknown>, headers?: Record<string, string>): Connection;
}

export interface Connection extends AsyncDisposable {
  /** The one result of an operation. */
  send(payload: SubscribePayload): Promise<ExecutionResult>;
  /** All results of an operation. */
  results(payload: SubscribePayload): Promise<ExecutionResult[]>;
  /** Breaks it off, without a goodbye. */
  cut(): void;
}

interface Rooted extends ExecutionArgs {
  readonly rootValue: Record<'execute' | 'subscribe', (args: ExecutionArgs) => never>;
}

export async function startSocketShop(options: ShopOptions = {}): Promise<SocketShop> {
  const closed = gate();
  let sockets: { dispose(): void | Promise<void> } | undefined;
  const shop = await startShop({
    useIdempotency: { scope: ({ context }) => scopeOf(context) },
    ...options,
    beside: (server, yoga) => {
      sockets = serve(server, yoga, closed.open);
    },
  });
  return {
    shop,
    closed,
    connect: (connectionParams, headers) =>
      connect(shop.url.replace('http', 'ws'), connectionParams, headers),
    async [Symbol.asyncDispose]() {
      await sockets?.dispose();
      await shop[Symbol.asyncDispose]();
    },
  };
}

/** Of a socket its connection parameters, of a request its header. */
function scopeOf(context: { request?: Request; connectionParams?: { user?: string } }): string | undefined {
  return context.connectionParams
    ? context.connectionParams.user
    : (context.request?.headers.get('x-user') ?? 'ada');
}

/** As Yoga's guide has it. */
function serve(server: Server, yoga: YogaServerInstance<object, object>, onClose: () => void) {
  return useServer(
    {
      onClose,
      execute: (args) => (args as Rooted).rootValue.execute(args),
      subscribe: (args) => (args as Rooted).rootValue.subscribe(args),
      async onSubscribe(ctx, _id, params) {
        const { schema, execute, subscribe, contextFactory, parse, validate } = yoga.getEnveloped({
          ...ctx,
          req: ctx.extra.request,
          socket: ctx.extra.socket,
          params,
        });
        const document = parse(params.query);
        const args = {
          schema,
          operationName: params.operationName,
          document,
          variableValues: params.variables,
          contextValue: await contextFactory(),
          rootValue: { execute, subscribe },
        };
        const errors = validate(schema, document);
        return errors.length > 0 ? errors : args;
      },
    },
    new WebSocketServer({ server, path: yoga.graphqlEndpoint }),
  );
}

function connect(
  url: string,
  connectionParams: Record<string, unknown> = { user: 'ada' },
  headers: Record<string, string> = {},
): Connection {
  let socket: WebSocket | undefined;
  class WithHeaders extends WebSocket {
    constructor(address: string, protocols: string) {
      super(address, protocols, { headers });
      socket = this;
    }
  }
  const client = createClient({
    url,
    connectionParams,
    retryAttempts: 0,
    webSocketImpl: WithHeaders,
    lazy: false,
    onNonLazyError: () => {},
  });
  async function results(payload: SubscribePayload) {
    const all: ExecutionResult[] = [];
    for await (const result of client.iterate(payload)) all.push(result as ExecutionResult);
    return all;
  }
  return {
    results,
    async send(payload) {
      const all = await results(payload);
      if (all.length !== 1) throw new Error(`Expected one result, got ${all.length}`);
      return all[0] as ExecutionResult;
    },
    cut: () => socket?.terminate(),
    [Symbol.asyncDispose]: async () => client.dispose(),
  };
}
