import type { IncomingMessage } from 'node:http';
import { type AnyTRPCRouter, initTRPC } from '@trpc/server';
import { createHTTPServer } from '@trpc/server/adapters/standalone';
import type { Document } from 'mongodb';
import superjson from 'superjson';
import { afterAll } from 'vitest';
import { createIdempotencyMiddleware, idempotencyResponseMeta } from '../../plugin/trpc/index.ts';
import {
  createIdempotency,
  type Idempotency,
  type IdempotencyEvent,
  type IdempotencyOptions,
  type Store,
} from '../../server/index.ts';
import { emptyCollections, freshDatabase } from '../support/database.ts';
import { listen } from '../support/listen.ts';
import { uncountedStore } from '../support/uncounted-store.ts';

export interface Context {
  readonly req: IncomingMessage;
  readonly user: string | null;
}

// One database for each test file, and an empty collection for each test.
const database = freshDatabase();
const collections = emptyCollections(database);
afterAll(async () => (await database)[Symbol.asyncDispose]());

export interface TestIdempotency extends AsyncDisposable {
  readonly idempotency: Idempotency;
  readonly events: IdempotencyEvent[];
  readonly collection: string;
  /** As they stand in MongoDB. */
  records(): Promise<Document[]>;
  /** Changes them all behind the store's back. */
  change(pipeline: Document[]): Promise<unknown>;
}

export type TestOptions = Partial<IdempotencyOptions> & {
  /** That of another server of the same fleet; default a new one. */
  collection?: string;
  wrapStore?: (store: Store) => Store;
};

/** An `Idempotency` on MongoDB. */
export async function freshIdempotency({
  collection: shared,
  wrapStore = (store) => store,
  ...options
}: TestOptions = {}): Promise<TestIdempotency> {
  const { db } = await database;
  const collection = shared ?? collections.take();
  const events: IdempotencyEvent[] = [];
  const idempotency = createIdempotency({
    store: wrapStore(uncountedStore({ db, collection })),
    onEvent: (event) => events.push(event),
    ...options,
  });
  return {
    idempotency,
    events,
    collection,
    records: () => db.collection(collection).find().toArray(),
    change: (pipeline) => db.collection(collection).updateMany({}, pipeline),
    async [Symbol.asyncDispose]() {
      await idempotency.close();
      if (shared === undefined) await collections.giveBack(collection);
    },
  };
}

/** Hands every operation on to `store`, but for those that are given instead. */
export function storeBut(store: Store, changed: Partial<Store>): Store {
  return {
    ready: (needs) => store.ready(needs),
    claim: (request) => store.claim(request),
    giveUp: (request) => store.giveUp(request),
    takeOver: (request, seen, to) => store.takeOver(request, seen, to),
    settle: (held, settlement) => store.settle(held, settlement),
    renew: (held, lease) => store.renew(held, lease),
    recordStep: (held, step) => store.recordStep(held, step),
    ...(store.begin && { begin: store.begin.bind(store) }),
    watch: (seen, signal) => store.watch(seen, signal),
    read: (address, part) => store.read(address, part),
    close: (timeoutMs) => store.close(timeoutMs),
    ...changed,
  };
}

export const plain = initTRPC.context<Context>().create({ isDev: false });
export const withSuperjson = initTRPC.context<Context>().create({ isDev: false, transformer: superjson });

type Root = Parameters<typeof createIdempotencyMiddleware<Context, object>>[0];

/** The middleware as most hosts set it up. */
export function idempotentFor(t: Root, idempotency: Idempotency) {
  return createIdempotencyMiddleware(t, { idempotency, scope: ({ ctx }) => ctx.user });
}

export interface App extends AsyncDisposable {
  readonly url: string;
  /** A mutation as a plain HTTP client sends it: one key, one body, the answer's bytes. */
  post(path: string, input?: unknown, options?: PostOptions): Promise<Reply>;
}

export interface PostOptions {
  readonly key?: string;
  readonly user?: string;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

export interface Reply {
  readonly status: number;
  /** As it came over the wire: a replay must be equal to the byte. */
  readonly body: string;
  readonly headers: Headers;
  readonly replayed: boolean;
}

/** A real HTTP server with tRPC's standalone adapter. */
export async function serve(
  router: AnyTRPCRouter,
  createContext: (options: { req: IncomingMessage; info: object }) => object = contextOf,
): Promise<App> {
  const server = createHTTPServer({ router, createContext, responseMeta: idempotencyResponseMeta });
  const listening = await listen(server);
  return {
    ...listening,
    post: (path, input, options) => post(`${listening.url}/${path}`, input, options),
  };
}

export function contextOf({ req }: { req: IncomingMessage }): Context {
  return { req, user: (req.headers['x-user'] as string | undefined) ?? null };
}

/** The context of a server-side caller, whose `req` holds these headers. */
export function callerContext(
  headers: IncomingMessage['headers'] = {},
  user: string | null = 'alice',
): Context {
  return { req: { headers, method: 'POST', url: '/' } as IncomingMessage, user };
}

export async function post(
  url: string,
  input: unknown,
  { key, user = 'alice', headers, signal }: PostOptions = {},
): Promise<Reply> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(user && { 'x-user': user }),
      ...(key !== undefined && { 'idempotency-key': key }),
      ...headers,
    },
    ...(input !== undefined && { body: JSON.stringify(input) }),
    ...(signal && { signal }),
  });
  return {
    status: response.status,
    body: await response.text(),
    headers: response.headers,
    replayed: response.headers.get('idempotent-replayed') === 'true',
  };
}
