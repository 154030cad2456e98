import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { createTRPCClient, httpLink } from '@trpc/client';
import type { CommandStartedEvent, Document } from 'mongodb';
import type { AppRouter } from '../../server/admin/api/router.ts';
import type { ActionName, KeyDetail } from '../../server/admin/contract/contract.ts';
import {
  createDashboard,
  type DashboardOptions,
  type Operator,
  toNodeHandler,
} from '../../server/admin/index.ts';
import { createIdempotency, type IdempotencyOptions } from '../../server/index.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { emptyDatabase, type FreshDatabase, freshDatabase } from '../support/database.ts';
import { listen } from '../support/listen.ts';

const COLLECTION = 'idempotency_keys';
export const REASON = 'customer asked for it';

const OPERATORS: Record<string, Operator> = {
  ada: { id: 'ada', role: 'admin' },
  olga: { id: 'olga', role: 'operator' },
  vic: { id: 'vic', role: 'viewer' },
  vera: { id: 'vera', role: 'viewer', scopes: ['acme'] },
  scott: { id: 'scott', role: 'operator', scopes: ['acme'] },
  tess: { id: 'tess', role: 'operator', scopes: { under: 'acme' } },
  shea: { id: 'shea', role: 'operator', scopes: { under: 'shop' } },
  tim: { id: 'tim', role: 'viewer', scopes: { under: 'acme' } },
};

export const sessionOf = (request: Request): Operator | null =>
  OPERATORS[request.headers.get('x-session') ?? ''] ?? null;

export type AdminClient = ReturnType<typeof clientOf>;

export function clientOf(url: string, session: string, headers: Record<string, string> = {}) {
  const own = { 'x-latchkey': '1', 'x-session': session, 'sec-fetch-site': 'same-origin' };
  return createTRPCClient<AppRouter>({
    links: [httpLink({ url: `${url}/api/trpc`, headers: { ...own, ...headers } })],
  });
}

export interface Admin extends AsyncDisposable {
  readonly url: string;
  readonly db: FreshDatabase['db'];
  readonly client: FreshDatabase['client'];
  readonly idempotency: ReturnType<typeof createIdempotency>;
  /** The commands that reached the server. */
  readonly sent: Document[];
  readonly ada: AdminClient;
  readonly olga: AdminClient;
  readonly vic: AdminClient;
  readonly scott: AdminClient;
  readonly tess: AdminClient;
  /** Puts a record there, and returns its id. */
  put(record?: Document): Promise<string>;
  find(id: string): Promise<Document | null>;
}

/** A dashboard on a real server and an empty database; who asks is in a header. */
export async function startAdmin({
  idempotency: policy = {},
  uri,
  ownDatabase = uri !== undefined,
  beside,
  allowStandalone = false,
  ...options
}: {
  idempotency?: Partial<IdempotencyOptions>;
  uri?: string;
  /** For a test that closes the client, or drops what is there. */
  ownDatabase?: boolean;
  /** Another one whose database this one looks at, too. */
  beside?: Pick<Admin, 'db' | 'client'>;
  allowStandalone?: boolean;
} & Partial<Omit<DashboardOptions, 'idempotency'>> = {}): Promise<Admin> {
  const database = beside
    ? { ...beside, async [Symbol.asyncDispose]() {} }
    : ownDatabase
      ? await freshDatabase({ monitorCommands: true }, uri)
      : await emptyDatabase({ monitorCommands: true });
  const { db, client } = database;
  const sent: Document[] = [];
  client.on('commandStarted', ({ command }: CommandStartedEvent) => sent.push(command));
  const idempotency = createIdempotency({ store: createMongoStore({ db, allowStandalone }), ...policy });
  await idempotency.ready();
  const dashboard = createDashboard({ idempotency, authorize: sessionOf, basePath: '/keys', ...options });
  const server = createServer(toNodeHandler(dashboard));
  const { url: origin } = await listen(server);
  const base = options.basePath ?? '/keys';
  const url = base === '/' ? origin : `${origin}${base}`;
  const keys = db.collection(COLLECTION);
  return {
    url,
    db,
    client,
    idempotency,
    sent,
    ada: clientOf(url, 'ada'),
    olga: clientOf(url, 'olga'),
    vic: clientOf(url, 'vic'),
    scott: clientOf(url, 'scott'),
    tess: clientOf(url, 'tess'),
    put: async (record = {}) =>
      String((await keys.insertOne(recordOf(record), { ignoreUndefined: true })).insertedId),
    find: async (id) => (await keys.find().toArray()).find(({ _id }) => String(_id) === id) ?? null,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await dashboard.close();
      await idempotency.close({ timeoutMs: 0 });
      await database[Symbol.asyncDispose]();
    },
  };
}

export interface More {
  readonly reason?: string;
  readonly response?: string;
  readonly evidence?: string;
  readonly commandKey?: string;
  readonly confirm?: string;
  readonly mayRepeat?: boolean;
}

/** As the page does: what it showed, with whatever it asks for. */
export function act(client: AdminClient, detail: KeyDetail, action: ActionName, more: More = {}) {
  const offered = detail.actions.find((known) => known.action === action);
  if (!detail.seen || !offered) throw new TypeError('Expected an action on a record that can be read');
  return client.keys.act.mutate({
    action,
    seen: detail.seen,
    reason: REASON,
    commandKey: randomUUID(),
    ...(offered.confirm && { confirm: offered.confirm }),
    mayRepeat: offered.mayRepeat,
    ...more,
  });
}

export const read = (admin: Admin, id: string) => admin.ada.keys.get.query({ id });

const MINUTE = 60_000;
export const ago = (ms: number) => new Date(Date.now() - ms);
export const ahead = (ms: number) => new Date(Date.now() + ms);

/** A record as this release writes it, completed unless it is told otherwise. A field that is undefined is left out. */
export function recordOf(fields: Document = {}): Document {
  const fence = 1_700_000_000_000;
  const { state = 'completed' } = fields;
  return {
    scope: 'acme',
    key: `key-${randomUUID()}`,
    operation: 'pay',
    fingerprint: 's1:aaaa',
    state,
    owner: 'owner-1',
    fence,
    life: fence,
    attempts: 1,
    createdAt: ago(2 * MINUTE),
    startedAt: ago(2 * MINUTE),
    expiresAt: ahead(60 * MINUTE),
    history: [],
    v: 1,
    ...(state === 'completed' && {
      outcome: 'success',
      completedAt: ago(MINUTE),
      response: responseOf('{"data":{"pay":1}}'),
    }),
    ...(state === 'running' && { leaseExpiresAt: ahead(MINUTE) }),
    ...fields,
  };
}

export const responseOf = (body: string, format = 'graphql/1') => ({
  format,
  body,
  bytes: Buffer.byteLength(body),
});

export const failed = (fields: Document = {}) => ({
  outcome: 'error',
  response: responseOf('{"errors":[["error",{"message":"declined"}]],"data":null}'),
  ...fields,
});
