import { randomUUID } from 'node:crypto';
import superjson from 'superjson';
import { z } from 'zod';
import { createIdempotency, type IdempotencyEvent, type Policy } from '../../server/index.ts';
import { type Answer, callersOf } from '../support/callers.ts';
import { emptyDatabase, type FreshDatabase, freshDatabase } from '../support/database.ts';
import { startThreeApis } from '../support/three-apis.ts';
import { uncountedStore } from '../support/uncounted-store.ts';

export const PASSWORD = 'correct horse battery staple';

export interface SecretApp extends AsyncDisposable {
  readonly database: FreshDatabase;
  readonly events: IdempotencyEvent[];
  /** What the handlers handed out, once each. */
  readonly secrets: string[];
  readonly url: string;
  readonly idempotency: ReturnType<typeof createIdempotency>;
}

interface Options {
  /** Where an earlier process of the same service has its records. */
  readonly database?: FreshDatabase;
  /** One that no other test has used, not even in the oplog. */
  readonly ownDatabase?: boolean;
  /** Sent along with a new key. */
  readonly note?: () => string;
}

/** Serves `createApiKey` and `login`, each with a secret in its answer, by each API. */
export async function startSecretApp(
  policy: Policy = {},
  { database: given, ownDatabase, note }: Options = {},
): Promise<SecretApp> {
  const database = given ?? (await (ownDatabase ? freshDatabase() : emptyDatabase()));
  const events: IdempotencyEvent[] = [];
  const idempotency = createIdempotency({
    store: uncountedStore({ db: database.db }),
    onEvent: (event) => events.push(event),
    ...policy,
  });
  const secrets: string[] = [];
  const drawn = () => {
    const secret = `sk_live_${randomUUID()}`;
    secrets.push(secret);
    return secret;
  };
  const app = await startThreeApis({
    idempotency,
    transformer: superjson,
    typeDefs: `
      type ApiKey { id: ID! secret: String! note: String }
      type Session { token: String! }
      input Credentials { user: String! password: String! }
      type Mutation { createApiKey(name: String!): ApiKey! login(credentials: Credentials!): Session! }
    `,
    input: z.looseObject({}),
    mutations: {
      createApiKey: () => ({ id: randomUUID(), secret: drawn(), note: note?.() ?? null }),
      login: () => ({ token: drawn() }),
    },
  });
  return {
    database,
    events,
    secrets,
    idempotency,
    url: app.url,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]();
      await idempotency.close();
      if (!given) await database[Symbol.asyncDispose]();
    },
  };
}

// As a client that picks aliases of its own sends them.
const CALLERS = {
  createApiKey: callersOf({
    name: 'createApiKey',
    query: 'mutation ($name: String!) { createApiKey(name: $name) { id shownOnce: secret note } }',
    superjson: true,
    input: () => ({ name: 'ci' }),
  }),
  login: callersOf({
    name: 'login',
    query: 'mutation ($credentials: Credentials!) { login(credentials: $credentials) { bearer: token } }',
    superjson: true,
    input: () => ({ credentials: { user: 'alice', password: PASSWORD } }),
  }),
};

type Send = (app: SecretApp, operation: keyof typeof CALLERS, key: string) => Promise<Answer<unknown>>;

const senderOf =
  (api: 'GraphQL' | 'tRPC' | 'HTTP'): Send =>
  ({ url }, operation, key) =>
    CALLERS[operation][api]({ url, key, headers: { authorization: `Bearer ${PASSWORD}` } });

/** The same two operations by each API. */
export const SECRET_APIS: Readonly<Record<string, Send>> = {
  GraphQL: senderOf('GraphQL'),
  tRPC: senderOf('tRPC'),
  HTTP: senderOf('HTTP'),
};
