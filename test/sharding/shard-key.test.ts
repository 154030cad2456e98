import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { appRouter } from '../../server/admin/api/router.ts';
import type { KeyFilter } from '../../server/admin/contract/contract.ts';
import type { ClaimRequest } from '../../server/engine/decide.ts';
import type { Held } from '../../server/engine/store.ts';
import { createMongoStore, type MongoStore } from '../../server/mongodb/index.ts';
import { createOperator, type KeyOperator } from '../../server/operator/index.ts';
import { completed, freshClaim, rivalOf } from '../../server/testing/contract/requests.ts';
import { type Admin, act, ago, failed, REASON, read, startAdmin } from '../admin/support.ts';
import { isSingle, type Routed, routesOf } from './routes.ts';

const KEYS = 'idempotency_keys';

let admin: Admin;
let store: MongoStore;
let operator: KeyOperator;
beforeAll(async () => {
  admin = await startAdmin({
    ownDatabase: true,
    probes: { pay: async () => ({ found: true, summary: 'charged' }) },
    rerunners: [
      {
        format: 'graphql/1',
        check: async () => ({ possible: true, label: 'as ada' }),
        run: async () => 'Answered.',
        response: () => ({ format: 'graphql/1', body: '{}', bytes: 2 }),
      },
    ],
  });
  store = createMongoStore({ db: admin.db });
  operator = createOperator({ idempotency: admin.idempotency, by: 'webhook' });
});
afterAll(async () => {
  await store.close(0);
  await admin[Symbol.asyncDispose]();
});

const signal = () => AbortSignal.timeout(30_000);
const terms = { leaseMs: 30_000, unresolvedRetentionMs: 60_000 };

async function win(overrides?: Partial<ClaimRequest>): Promise<Held> {
  const answer = await store.claim(freshClaim(overrides));
  if (!answer.won) throw new Error('Expected to win');
  return answer.held;
}

/** A run whose lease has lapsed, as `decide` saw it, and the request of who finds it. */
async function lapsed() {
  const request = freshClaim();
  await win(request);
  await admin.db.collection(KEYS).updateOne({ key: request.key }, { $set: { leaseExpiresAt: ago(1_000) } });
  return { request, rival: rivalOf(request), seen: { owner: request.owner, fence: request.seed } };
}

async function inDoubt() {
  const held = await win();
  await store.settle(held, { to: 'in_doubt', reason: 'thrown', unresolvedRetentionMs: 60_000 });
  return held;
}

/** Each does one thing, and nothing else that sends commands to the keys by the watched client. Those of a set-up come before `measured`. */
type Step = (measured: () => void) => Promise<unknown>;

const STORE: Readonly<Record<string, Step>> = {
  ready: () => store.ready(),
  claim: () => win(),
  'claim of a released key': async (measured) => {
    const request = freshClaim();
    await store.settle(await win(request), { to: 'released', reason: 'not started', retentionMs: 60_000 });
    measured();
    return store.claim(rivalOf(request));
  },
  giveUp: async () => {
    store.giveUp(freshClaim());
    await sentTo('update');
  },
  'takeOver in_doubt': async (measured) => {
    const { rival, seen } = await lapsed();
    measured();
    return store.takeOver(rival, seen, 'in_doubt');
  },
  'takeOver running': async (measured) => {
    const { rival, seen } = await lapsed();
    measured();
    return store.takeOver(rival, seen, 'running');
  },
  'takeOver asking': async (measured) => {
    const held = await inDoubt();
    measured();
    return store.takeOver(rivalOf(freshClaim(held)), held, 'asking');
  },
  'settle completed': async (measured) => {
    const held = await win();
    measured();
    return store.settle(held, completed);
  },
  'settle late': async (measured) => {
    const held = await inDoubt();
    measured();
    return store.settle(held, completed);
  },
  renew: async (measured) => {
    const held = await win();
    measured();
    return store.renew(held, terms);
  },
  recordStep: async (measured) => {
    const held = await win();
    const step = { name: 'charge', value: { format: 'json/1', body: '1', bytes: 1 } };
    measured();
    return store.recordStep(held, step);
  },
  begin: async (measured) => {
    const held = await win();
    measured();
    const transaction = store.begin?.(held);
    await transaction?.isAlive();
    return transaction?.commit(completed);
  },
  'read head': () => store.read({ scope: 's', key: 'k' }, 'head'),
  'read whole': () => store.read({ scope: 's', key: 'k' }, 'whole'),
  watch: async (measured) => {
    const held = await win();
    await store.settle(held, completed);
    measured();
    return store.watch(held, signal());
  },
  count: async (measured) => {
    const { scope, key } = await win();
    measured();
    return store.count?.({
      counted: [],
      replayed: [{ scope, key, replays: 1, lastAt: new Date() }],
    });
  },
  note: async (measured) => {
    const { scope, key } = await win();
    measured();
    return store.note?.({
      refused: [
        { scope, key, codes: new Map([['IDEMPOTENCY_KEY_REUSED', { count: 1, lastAt: new Date() }]]) },
      ],
      started: [{ scope, key, operation: 'pay', fingerprint: 's1:aaaa', agoMs: 0 }],
    });
  },
  countAttention: async () => store.countAttention?.(),
};

const list = (filter: KeyFilter) => () => admin.ada.keys.list.query({ filter });
const command = () => ({ reason: REASON, commandKey: randomUUID() });

/** Puts a key there, and looks at it. */
async function shown(record: object = {}) {
  const id = await admin.put(record);
  return read(admin, id);
}

const DASHBOARD: Readonly<Record<string, Step>> = {
  me: () => admin.ada.me.query(),
  overview: () => admin.ada.overview.query({ window: '1h' }),
  attention: () => admin.ada.attention.query(),
  duplicates: () => admin.ada.duplicates.query(),
  operation: () => admin.ada.operation.query({ operation: 'pay', window: '1h' }),
  'keys.find': () => admin.ada.keys.find.query({ text: 'k' }),
  'keys.by': async (measured) => {
    const { scope, key } = await shown();
    measured();
    return admin.ada.keys.by.query({ scope, key });
  },
  'keys.evidence': async (measured) => {
    const { id } = await shown({ state: 'in_doubt' });
    measured();
    return admin.ada.keys.evidence.query({ id });
  },
  'keys.list': list({}),
  'keys.list by state': list({ state: 'attention' }),
  'keys.list by key': list({ key: 'k' }),
  'keys.list by scope': list({ scope: 's' }),
  'keys.list by scope and key': list({ scope: 's', key: 'k' }),
  'keys.list of an operator of a tenant': () => admin.tess.keys.list.query({ filter: {} }),
  'keys.newer': () => admin.ada.keys.newer.query({ filter: {}, newest: null }),
  'keys.get': async (measured) => {
    const id = await admin.put();
    measured();
    return read(admin, id);
  },
  'keys.body': async (measured) => {
    const id = await admin.put();
    measured();
    return admin.ada.keys.body.query({ id, part: 'response' });
  },
  'keys.preview': async (measured) => {
    const id = await admin.put();
    measured();
    return admin.ada.keys.preview.query({ id });
  },
  'keys.diff': async (measured) => {
    const id = await admin.put();
    measured();
    return admin.ada.keys.diff.query({ id });
  },
  'keys.dryRun': async (measured) => {
    const id = await admin.put({ state: 'in_doubt', request: { format: 'graphql/1', body: '{}', bytes: 2 } });
    measured();
    return admin.ada.keys.dryRun.query({ id });
  },
  'keys.reveal': async (measured) => {
    const id = await admin.put();
    measured();
    return admin.ada.keys.reveal.mutate({ id, part: 'response', ...command() });
  },
  'keys.act': async (measured) => {
    const detail = await shown({ state: 'in_doubt' });
    measured();
    return act(admin.ada, detail, 'allow_retry');
  },
  'keys.export': () => admin.ada.keys.export.mutate({ filter: {}, format: 'csv', ...command() }),
  'bulk.plan': () =>
    admin.ada.bulk.plan.mutate({ action: 'allow_retry', filter: { state: 'attention' }, ...command() }),
  'bulk.start': async (measured) => {
    const id = await planned();
    measured();
    await started(id);
  },
  'bulk.resume': async (measured) => {
    const id = await planned();
    await started(id);
    await admin.db
      .collection<{ _id: string }>(`${KEYS}_jobs`)
      .updateOne({ _id: id }, { $set: { state: 'paused' } });
    measured();
    return admin.ada.bulk.resume.mutate({ id, commandKey: randomUUID() });
  },
  'bulk.cancel': async (measured) => {
    const id = await planned();
    measured();
    return admin.ada.bulk.cancel.mutate({ id, ...command() });
  },
  'bulk.list': () => admin.ada.bulk.list.query(),
  'bulk.get': async (measured) => {
    const id = await planned();
    measured();
    return admin.ada.bulk.get.query({ id });
  },
  'audit.list': () => admin.ada.audit.list.query({}),
  'audit.export': () => admin.ada.audit.export.mutate({ filter: {}, format: 'csv', ...command() }),
};

async function planned(): Promise<string> {
  const keyId = await admin.put(failed());
  return (await admin.ada.bulk.plan.mutate({ action: 'allow_retry', ids: [keyId], ...command() })).id;
}

async function started(id: string): Promise<void> {
  const { job } = await admin.ada.bulk.get.query({ id });
  const confirm = job.confirm === null ? {} : { confirm: job.confirm };
  await admin.ada.bulk.start.mutate({
    ...{ id, count: job.total, mayRepeat: true, commandKey: randomUUID() },
    ...confirm,
  });
  while ((await admin.ada.bulk.get.query({ id })).job.state === 'running') {
    // until it has ended
  }
}

const byAction = (take: (address: { scope: string; key: string }) => Promise<unknown>): Step => {
  return async (measured) => {
    const { scope, key } = await shown({ state: 'in_doubt' });
    measured();
    return take({ scope, key });
  };
};

const OPERATOR: Readonly<Record<string, Step>> = {
  find: byAction((address) => operator.find(address)),
  complete: byAction((address) =>
    operator.complete(address, { data: { pay: 1 }, reason: REASON, api: 'graphql' }),
  ),
  fail: byAction((address) => operator.fail(address, { error: 'declined', api: 'graphql', reason: REASON })),
  allowRetry: byAction((address) => operator.allowRetry(address, { mayRepeat: true, reason: REASON })),
  expire: async (measured) => {
    const { scope, key } = await shown();
    measured();
    return operator.expire({ scope, key }, { mayRepeat: true, reason: REASON });
  },
  erase: async (measured) => {
    await admin.put({ scope: 'forgotten' });
    measured();
    return operator.erase({ scope: 'forgotten', reason: REASON });
  },
  resolvePending: async (measured) => {
    await admin.put({ state: 'in_doubt' });
    measured();
    return operator.resolvePending({ resolve: () => ({ action: 'in_doubt' }) });
  },
};

/** What the server was sent about the keys since `measured()`. */
let commands: readonly Document[] = [];
const sentToKeys = () => admin.sent.filter((sent) => Object.values(sent)[0] === KEYS);

async function sentTo(name: string): Promise<void> {
  while (!sentToKeys().some((sent) => name in sent)) await new Promise(setImmediate);
}

async function routed(step: Step): Promise<readonly Routed[]> {
  admin.sent.length = 0;
  await step(() => {
    admin.sent.length = 0;
  });
  commands = sentToKeys();
  return commands.flatMap(routesOf);
}

/** `reads all shards, writes record`: each once, in the order of the alphabet. */
const inWords = (routes: readonly Routed[]) =>
  [
    ...new Set(
      routes.filter(({ does }) => does !== 'makes indexes').map(({ does, route }) => `${does} ${route}`),
    ),
  ]
    .sort()
    .join(', ') || 'nothing';

const PAGE = readFileSync(new URL('../../docs/scaling.md', import.meta.url), 'utf8');

/** What the table of docs/scaling.md says of each operation. */
const DOCUMENTED = new Map(
  Array.from(PAGE.matchAll(/^\| (store|dashboard|operator) \| ([^|]+) \| ([^|]+) \|$/gm)).flatMap(
    ([, part, routes, names]) =>
      Array.from((names as string).matchAll(/`([^`]+)`/g), ([, name]): [string, string] => [
        `${part}: ${name}`,
        routes as string,
      ]),
  ),
);

describe.each([
  ['store', STORE],
  ['dashboard', DASHBOARD],
  ['operator', OPERATOR],
] as const)('on a sharded cluster, of the %s', (part, steps) => {
  it.each(Object.keys(steps))('%s goes where docs/scaling.md says', async (name) => {
    const routes = await routed(steps[name] as Step);
    expect(inWords(routes)).toBe(DOCUMENTED.get(`${part}: ${name}`));
    for (const sent of commands.filter(isSingle))
      expect(
        routesOf(sent).filter(({ does, route }) => does === 'writes' && route !== 'record'),
        'single writes without the whole shard key',
      ).toEqual([]);
  });
});

const firstWord = (name: string) => name.split(' ')[0] as string;

it('the walk has each method of a store, each procedure of the dashboard and each method of an operator', () => {
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(store));
  const noCommands = ['constructor', 'observe', 'close'];
  const walked = (steps: object) => new Set(Object.keys(steps).map(firstWord));
  expect(walked(STORE)).toEqual(new Set([...methods.filter((name) => !noCommands.includes(name)), 'settle']));
  expect(walked(DASHBOARD)).toEqual(new Set(Object.keys(appRouter._def.procedures)));
  expect(walked(OPERATOR)).toEqual(new Set(Object.keys(operator)));
});

it('docs/scaling.md tells of no other operation', () => {
  const walked = Object.entries({ store: STORE, dashboard: DASHBOARD, operator: OPERATOR }).flatMap(
    ([part, steps]) => Object.keys(steps).map((name) => `${part}: ${name}`),
  );
  expect([...DOCUMENTED.keys()].sort()).toEqual(walked.sort());
});
