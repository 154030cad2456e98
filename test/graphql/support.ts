import { createServer, type Server } from 'node:http';
import type { GraphQLResolveInfo, GraphQLSchema } from 'graphql';
import {
  createSchema,
  createYoga,
  type YogaInitialContext,
  type YogaServerInstance,
  type YogaServerOptions,
} from 'graphql-yoga';
import {
  type IdempotencyContext,
  type UseIdempotencyOptions,
  useIdempotency,
} from '../../plugin/graphql/index.ts';
import { createIdempotency, type Idempotency, type IdempotencyOptions } from '../../server/index.ts';
import { listen } from '../support/listen.ts';
import { type OpenStore, openFreshStore, type StoredDocument } from './store.ts';

export type Context = YogaInitialContext & IdempotencyContext;
type YogaOptions = YogaServerOptions<object, object>;
type Plugins = NonNullable<YogaOptions['plugins']>;
type Resolver = (args: Record<string, unknown>, context: Context, info: GraphQLResolveInfo) => unknown;

export interface ShopOptions extends Omit<YogaOptions, 'plugins' | 'schema'> {
  /** `type Mutation` and what it needs. Default: `pay(amount: Int): Int`. */
  typeDefs?: string;
  mutations?: Record<string, Resolver>;
  /** Of other types and scalars. */
  resolvers?: Record<string, unknown>;
  idempotency?: Partial<IdempotencyOptions>;
  useIdempotency?: Partial<UseIdempotencyOptions<Context>>;
  before?: Plugins;
  after?: Plugins;
  /** Serves the same Yoga in another way, too. */
  beside?: (server: Server, yoga: YogaServerInstance<object, object>) => void;
}

/** A real Yoga server with `useIdempotency`, on a port of its own, and a store of its own. */
export interface Shop extends AsyncDisposable {
  readonly url: string;
  readonly idempotency: Idempotency;
  readonly schema: GraphQLSchema;
  /** The mutations that were executed, by name, in order. */
  readonly runs: string[];
  /** Sends one operation, or an array: a batch. */
  post(body: object, headers?: Record<string, string>, init?: RequestInit): Promise<Answer>;
  /** Sends it twice, one after the other. */
  twice(body: object, headers?: Record<string, string>): Promise<[first: Answer, second: Answer]>;
  /** All records, as they are stored. */
  records(): Promise<StoredDocument[]>;
  /** Where they are stored, to damage them. */
  readonly collection: OpenStore['collection'];
}

/** An HTTP response, read: what a retry is to repeat, but for `replayed`. */
export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly replayed: boolean;
}

export async function startShop(options: ShopOptions = {}): Promise<Shop> {
  const {
    typeDefs = 'type Mutation { pay(amount: Int): Int }',
    mutations = { pay: ({ amount }) => amount },
    resolvers = {},
    before = [],
    after = [],
    beside = () => {},
    ...yogaOptions
  } = options;
  const runs: string[] = [];
  const counted = Object.entries(mutations).map(([name, resolve]) => [
    name,
    (_: unknown, args: Record<string, unknown>, context: Context, info: GraphQLResolveInfo) => {
      runs.push(name);
      return resolve(args, context, info);
    },
  ]);
  const schema = createSchema({
    typeDefs: `type Query { ok: Boolean } ${typeDefs}`,
    resolvers: { ...resolvers, Mutation: Object.fromEntries(counted) },
  });
  const store = await openFreshStore();
  const idempotency = createIdempotency({ store: store.store, ...options.idempotency });
  const plugin = useIdempotency<Context>({
    idempotency,
    scope: ({ context }) => context.request.headers.get('x-user') ?? 'someone',
    ...options.useIdempotency,
  });
  const yoga = createYoga({ logging: false, ...yogaOptions, schema, plugins: [...before, plugin, ...after] });
  const server = createServer(yoga);
  beside(server, yoga);
  const listening = await listen(server);
  const url = `${listening.url}${yoga.graphqlEndpoint}`;

  async function post(body: object, headers: Record<string, string> = {}, init: RequestInit = {}) {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
      ...init,
    });
    return read(response);
  }
  return {
    url,
    idempotency,
    schema,
    runs,
    post,
    async twice(body, headers) {
      return [await post(body, headers), await post(body, headers)];
    },
    records: () => store.collection.find().toArray(),
    collection: store.collection,
    async [Symbol.asyncDispose]() {
      await listening[Symbol.asyncDispose]();
      await yoga.dispose();
      await idempotency.close();
      await store[Symbol.asyncDispose]();
    },
  };
}

export async function read(response: Response): Promise<Answer> {
  const {
    date: _,
    'idempotent-replayed': replayed,
    'idempotency-expires': expires,
    ...headers
  } = Object.fromEntries(response.headers);
  return { status: response.status, headers, body: await response.text(), replayed: replayed === 'true' };
}

/** The header of a key. */
export const key = (value: string) => ({ 'idempotency-key': value });

/** The code of the first error in an answer. */
export function codeOf({ body }: Answer): string | undefined {
  return JSON.parse(body).errors?.[0]?.extensions?.code;
}
