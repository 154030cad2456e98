import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { appRouter } from '../../server/admin/api/router.ts';
import { type Admin, act, ago, clientOf, failed, REASON, read, responseOf, startAdmin } from './support.ts';

/** In each text of what belongs to the other scope. */
const THEIRS = 'zz-theirs';

/** What an input can name. */
interface References {
  readonly id: string;
  readonly scope: string;
  readonly key: string;
  readonly operation: string;
  readonly job: string;
  readonly item: string;
  readonly entry: string;
  readonly by: string;
}

interface Row {
  readonly least: 'viewer' | 'operator';
  /** Of an operator of some scopes, what it planned itself is shown to nobody else of some scopes. */
  readonly isPlanners?: boolean;
  /** Its answer repeats the texts of the question. */
  readonly repeats?: true;
  readonly input?: (of: References) => object;
}

const own = () => ({ reason: REASON, commandKey: randomUUID() });
const seen = (id: string) =>
  ({ id, life: '1700000000000', owner: 'owner-1', fence: '1700000000000', state: 'completed' }) as const;

/** Each procedure that there is: who may call it, and an input that names all that one can. */
const ROWS: Readonly<Record<string, Row>> = {
  me: { least: 'viewer' },
  overview: { least: 'viewer', input: () => ({ window: '1h' }) },
  attention: { least: 'viewer' },
  duplicates: { least: 'viewer' },
  operation: { least: 'viewer', repeats: true, input: ({ operation }) => ({ operation, window: '1h' }) },
  'keys.find': { least: 'viewer', repeats: true, input: ({ key }) => ({ text: key }) },
  'keys.by': { least: 'viewer', input: ({ scope, key }) => ({ scope, key }) },
  'keys.evidence': { least: 'operator', input: ({ id }) => ({ id }) },
  'keys.list': {
    least: 'viewer',
    input: ({ id, scope, key, operation }) => ({ filter: { scope, key, operation }, cursor: id }),
  },
  'keys.newer': {
    least: 'viewer',
    input: ({ id, scope, key, operation }) => ({ filter: { scope, key, operation }, newest: id }),
  },
  'keys.get': { least: 'viewer', input: ({ id }) => ({ id }) },
  'keys.body': { least: 'viewer', input: ({ id }) => ({ id, part: 'response', whole: true }) },
  'keys.preview': { least: 'viewer', input: ({ id }) => ({ id }) },
  'keys.diff': { least: 'viewer', input: ({ id }) => ({ id }) },
  'keys.dryRun': { least: 'operator', input: ({ id }) => ({ id }) },
  'keys.reveal': { least: 'operator', input: ({ id }) => ({ id, part: 'response', ...own() }) },
  'keys.act': {
    least: 'operator',
    input: ({ id }) => ({ action: 'allow_retry', seen: seen(id), mayRepeat: true, ...own() }),
  },
  'keys.export': {
    least: 'operator',
    input: ({ scope, key, operation }) => ({
      filter: { scope, key, operation },
      format: 'ndjson',
      ...own(),
    }),
  },
  'bulk.plan': {
    least: 'operator',
    input: ({ id }) => ({ action: 'allow_retry', ids: [id], ...own() }),
  },
  'bulk.start': {
    least: 'operator',
    input: ({ job }) => ({ id: job, count: 1, mayRepeat: true, commandKey: randomUUID() }),
  },
  'bulk.cancel': { least: 'operator', input: ({ job }) => ({ id: job, ...own() }) },
  'bulk.resume': { least: 'operator', input: ({ job }) => ({ id: job, commandKey: randomUUID() }) },
  'bulk.list': { least: 'viewer' },
  'bulk.get': {
    least: 'viewer',
    isPlanners: true,
    input: ({ job, item }) => ({ id: job, cursor: item }),
  },
  'audit.list': {
    least: 'viewer',
    input: ({ id, entry, by }) => ({ keyId: id, by, cursor: entry }),
  },
  'audit.export': {
    least: 'operator',
    input: ({ id, by }) => ({ filter: { keyId: id, by }, format: 'ndjson', ...own() }),
  },
};

const charged = async () => ({ found: true, summary: 'charged' }) as const;

let admin: Admin;
let readOnly: Admin;
let theirs: References;
beforeAll(async () => {
  admin = await startAdmin({
    ownDatabase: true,
    probes: { pay: charged, [`${THEIRS} operation`]: charged },
  });
  readOnly = await startAdmin({ beside: admin, readOnly: true });
  theirs = await plantTheirs();
  return async () => {
    await readOnly[Symbol.asyncDispose]();
    await admin[Symbol.asyncDispose]();
  };
});

/** A key of another scope with a name, a body and a past; who acted on it; and a job about it. */
async function plantTheirs(): Promise<References> {
  // Of all names, those are taken for the tenant's most easily that begin as it does.
  const scope = `acme0 ${THEIRS}`;
  const [key, operation, by] = ['key', 'operation', 'op'].map((name) => `${THEIRS} ${name}`);
  const past = { event: 'released', at: ago(9), startedAt: ago(10), owner: 'a', fence: 1, reason: THEIRS };
  const body = responseOf(JSON.stringify({ data: THEIRS, errors: [['error', { message: THEIRS }]] }));
  const record = failed({ scope, key, operation, history: [past], response: body, request: body });
  const acted = await admin.put({ ...record, key: `${key} 0` });
  await act(admin.ada, await read(admin, acted), 'allow_retry', { reason: THEIRS });
  const id = await admin.put(record);
  const { job, item } = await planJob('ada', id, THEIRS);
  // Below any other: what is found from it on would be of all jobs.
  const jobs = admin.db.collection<{ _id: string }>('idempotency_keys_jobs');
  const lowest = '00000000-0000-4000-8000-000000000000';
  const planned = await jobs.find().toArray();
  await jobs.deleteMany({});
  const moved = planned.map((document) => ({ ...document, _id: document._id.replace(job, lowest) }));
  const next = moved.filter(({ _id }) => _id !== lowest).map((one) => ({ ...one, _id: `${lowest}:000001` }));
  await jobs.insertMany([...moved, ...next]);
  const entry = await entryId();
  await jobs.updateMany({}, { $set: { by } });
  return { id, scope, key, operation, job: lowest, item: item.replace(job, lowest), entry, by } as References;
}

/** Makes references anew for each call, for a call may use them up. Those that the row does not name are of the other scope. */
async function makeOwn(row: Row, by: 'scott' | 'tess'): Promise<References> {
  const names = namesIn(row);
  if (names.length === 0) return theirs;
  const key = `own ${randomUUID()}`;
  const scope = by === 'scott' ? 'acme' : 'acme/ada';
  const id = await admin.put(failed({ scope, key }));
  const own = { ...theirs, id, scope, key, operation: 'pay', by };
  return {
    ...own,
    ...(names.includes('job') && (await planJob(by, id))),
    ...(names.includes('entry') && { entry: await entryId() }),
  };
}

/** Finds the references that the input of a row names. */
function namesIn({ input }: Row): (keyof References)[] {
  const names = new Set<keyof References>();
  const naming = new Proxy(theirs, {
    get(target, name: keyof References) {
      names.add(name);
      return target[name];
    },
  });
  input?.(naming);
  return [...names];
}

async function planJob(session: string, id: string, reason = REASON) {
  const command = { action: 'allow_retry' as const, ids: [id], reason, commandKey: randomUUID() };
  const { id: job } = await clientOf(admin.url, session).bulk.plan.mutate(command);
  return { job, item: `${job}:000000` };
}

async function entryId(): Promise<string> {
  const latest = await admin.db.collection('idempotency_keys_audit').findOne({}, { sort: { _id: -1 } });
  return String(latest?._id);
}

const PROCEDURES = Object.entries(
  appRouter._def.procedures as unknown as Record<string, { _def: { type: 'query' | 'mutation' } }>,
);

async function call(path: string, type: 'query' | 'mutation', input: object | undefined, session: string) {
  const { url } = session === 'read-only' ? readOnly : admin;
  const headers = {
    'content-type': 'application/json',
    'x-latchkey': '1',
    'sec-fetch-site': 'same-origin',
    'x-session': session === 'read-only' ? 'ada' : session,
  };
  const query = input && type === 'query' ? `?input=${encodeURIComponent(JSON.stringify(input))}` : '';
  const body = type === 'mutation' ? { method: 'POST', body: JSON.stringify(input) } : {};
  const response = await fetch(`${url}/api/trpc/${path}${query}`, { headers, ...body });
  return { status: response.status, text: await response.text() };
}

/** All that there is of the other scope, and all jobs that are about it. */
async function stateOfTheirs(): Promise<unknown> {
  const [keys, audit, jobs] = ['', '_audit', '_jobs'].map((name) =>
    admin.db.collection<{ _id: unknown }>(`idempotency_keys${name}`),
  );
  return Promise.all([
    keys?.find({ scope: theirs.scope }).toArray(),
    audit?.find({ scope: theirs.scope }).toArray(),
    jobs?.find({ $or: [{ scope: theirs.scope }, { reason: THEIRS }] }).toArray(),
  ]);
}

/** Which references an input uses: with each of them, and with all, being those of the other scope. */
function mixtures(row: Row, mine: References): [what: string, input: object | undefined][] {
  const { input } = row;
  if (!input) return [['nothing', undefined]];
  const singly = namesIn(row).map((name) => [name, { ...mine, [name]: theirs[name] }] as const);
  return [...singly, ['all', theirs] as const].map(([what, mixed]) => [what, input(mixed)]);
}

function withoutTextsOf(input: object | undefined, answer: string): string {
  const texts = Object.values(input ?? {}).filter((value) => typeof value === 'string');
  return texts.reduce((left, text) => left.replaceAll(text, ''), answer);
}

it('the table has each procedure that there is: one without a row fails', () => {
  expect(PROCEDURES.map(([path]) => path).sort()).toEqual(Object.keys(ROWS).sort());
});

const OPERATORS_ONLY = { vic: 403, vera: 403, tim: 403, 'read-only': 403 };
const ANYBODY = { vic: 200, vera: 200, tim: 200, 'read-only': 200 };
/** Who sees a tenant. */
const OF_TENANT = ['tess', 'tim'];
const plannerFor = (session: string) => (OF_TENANT.includes(session) ? 'tess' : 'scott');
/** It may be called, and what it is about is in no state for it. */
const CONFLICT = 409;

describe.each(PROCEDURES)('%s', (path, { _def: { type } }) => {
  const row = ROWS[path] ?? { least: 'operator' };
  const statuses = {
    ...(row.least === 'operator' ? OPERATORS_ONLY : ANYBODY),
    ...(row.isPlanners && { vera: 404, tim: 404 }),
  };

  it.each(Object.entries({ nobody: 401, ...statuses, olga: 200, scott: 200, tess: 200, ada: 200 }))(
    'called by %s about what is theirs to see: %i',
    async (session, status) => {
      const answer = await call(path, type, row.input?.(await makeOwn(row, plannerFor(session))), session);
      expect(answer.status === CONFLICT ? 200 : answer.status).toBe(status);
    },
  );

  it.each(['scott', 'vera', ...OF_TENANT])(
    'shows and does nothing of another scope to %s, whatever is asked',
    async (who) => {
      const before = await stateOfTheirs();
      for (const [what, input] of mixtures(row, await makeOwn(row, plannerFor(who)))) {
        const { status, text: answer } = await call(path, type, input, who);
        const text = row.repeats ? withoutTextsOf(input, answer) : answer;
        expect([what, status, text]).toEqual([what, expect.any(Number), expect.not.stringContaining(THEIRS)]);
        expect(status).toBeLessThan(500);
      }
      expect(await stateOfTheirs()).toEqual(before);
    },
  );

  if (!row.input) return;
  it('is about keys of each scope to whoever sees all', async () => {
    for (const session of ['olga', 'ada']) {
      const { status } = await call(path, type, row.input?.(theirs), session);
      expect([200, CONFLICT]).toContain(status);
    }
  });
});
