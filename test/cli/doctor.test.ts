import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { memberUri } from '../../server/cli/session/member.ts';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { runCli, spawnCli } from '../support/cli.ts';
import { type RunningMongod, startMongod } from '../support/mongod/start-mongod.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

// Each call is a process of its own.
vi.setConfig({ testTimeout: 120_000 });

let set: RunningMongod;
let standalone: RunningMongod;
beforeAll(async () => {
  [set, standalone] = await Promise.all([startMongod(), startMongod({ replSet: false })]);
  await using client = new MongoClient(set.uri);
  await createMongoStore({ db: client.db('shop') }).ready();
});
afterAll(() => Promise.all([set.stop(), standalone.stop()]));

const doctor = (...args: string[]) => runCli(['doctor', ...args], { env: { MONGODB_URI: '' } });
const LINE = /^(ok|warn|fail|unknown) +([a-z-]+( \(\w+\))?, )*[a-z-]+( \(\w+\))?: \S.*[.]$/;

it('a set of one member keeps each promise: exit code 0, a line for each topic, and nothing is left', async () => {
  const { code, out, err } = await runCli(['doctor', '--db', 'shop'], { env: { MONGODB_URI: set.uri } });
  const lines = out.trimEnd().split('\n');
  expect(lines.filter((line) => line.startsWith('fail'))).toEqual([]);
  expect(code).toBe(0);
  expect(lines.slice(0, -2).filter((line) => !LINE.test(line) && !line.startsWith('         Fix: '))).toEqual(
    [],
  );
  expect(lines.at(-1)).toMatch(
    /^0 fail, \d+ warn, 0 unknown, \d+ ok\. latchkey\/docs\/doctor\.md explains each line\.$/,
  );
  // What takes less than a second is not announced.
  expect(err).toMatch(/^(asking: .* …\n)*$/);
  await using client = new MongoClient(set.uri);
  const collections = await client.db('shop').listCollections().toArray();
  expect(collections.map(({ name }) => name)).toEqual(['idempotency_keys']);
});

it('--json prints the same for programs; of a standalone it fails with 1, and names what does not hold', async () => {
  const { code, out } = await doctor('--uri', `${standalone.uri}shop`, '--json');
  const found = JSON.parse(out);
  expect(code).toBe(1);
  expect(found).toMatchObject({
    ok: false,
    database: 'shop',
    collection: 'idempotency_keys',
    server: { kind: 'standalone', version: expect.stringMatching(/^\d+\.\d+\.\d+/) },
    counts: { fail: 2 },
  });
  const failed = found.findings.filter(({ state }: { state: string }) => state === 'fail');
  expect(failed).toEqual([
    {
      topic: 'kind',
      about: null,
      state: 'fail',
      text: expect.stringContaining('standalone'),
      fix: expect.stringMatching(new RegExp(`--replSet rs0.*host: "127\\.0\\.0\\.1:${standalone.port}"`)),
    },
    {
      topic: 'transaction',
      about: null,
      state: 'fail',
      text: expect.stringContaining('a standalone has no transactions'),
      fix: expect.stringContaining('replica set'),
    },
  ]);
  // The keys themselves work there.
  expect(found.findings).toContainEqual(expect.objectContaining({ topic: 'takeover', state: 'ok' }));
});

describe('exits with 2, prints no finding, and says why, for', () => {
  it.each<[string, () => string[], RegExp]>([
    [
      'a server that is not there',
      () => ['--uri', 'mongodb://127.0.0.1:1/shop?serverSelectionTimeoutMS=200'],
      /^error: connect ECONNREFUSED 127\.0\.0\.1:1\n$/,
    ],
    ['no database', () => ['--uri', set.uri], /^error: Expected --db, for the URI names no database\n$/],
    [
      'a URI that is none',
      () => ['--uri', 'localhost', '--db', 'shop'],
      /^error: Expected --uri to begin with mongodb:/,
    ],
    ['an unknown option', () => ['--uri', set.uri, '--jsn'], /^error: unknown option '--jsn'/],
  ])('%s', async (_, args, message) => {
    const { code, out, err } = await doctor(...args());
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(message);
  });
});

it('who interrupts it was told what takes long, and its collection is dropped, also when a write comes late', async () => {
  await using proxy = await startProxy(set.port);
  const claim = proxy.holdUp(['update', 'latchkey_doctor_', 'latchkey doctor']);
  const child = spawnCli(['doctor', '--uri', proxy.uri, '--db', 'shop']);
  const errors: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (chunk) => errors.push(chunk));
  const [out, exited] = [text(child.stdout), once(child, 'close')];
  await claim.held;
  await until(() =>
    expect(errors.join('')).toContain('asking: the statements of the protocol, in a scratch collection …'),
  );
  child.kill('SIGINT');
  await claim.deliver();
  expect((await exited)[0]).toBe(2);
  expect(await out).toBe('');
  expect(errors.join('')).toContain('error: interrupted; the scratch collection was dropped\n');
  await using client = new MongoClient(set.uri);
  const collections = await client.db('shop').listCollections().toArray();
  expect(collections.map(({ name }) => name)).toEqual(['idempotency_keys']);
});

it('--help says what it does to the server, and has examples', async () => {
  const { code, out } = await doctor('--help');
  expect(code).toBe(0);
  expect(out).toContain('latchkey doctor --uri mongodb://localhost:27017 --db shop --json');
  expect(out).toContain(
    'a collection of its own, latchkey_doctor_…, and drops it; that takes the role readWrite',
  );
});

it.each([
  ['mongodb://app:pw@a:1,b:2/shop?replicaSet=rs0&authSource=admin', 'mongodb://b:2/?directConnection=true'],
  [
    'mongodb://a:1/?tls=true&tlsCAFile=%2Fca.pem&w=1',
    'mongodb://b:2/?tls=true&tlsCAFile=%2Fca.pem&directConnection=true',
  ],
  ['mongodb+srv://app:pw@cluster.example/shop', 'mongodb://b:2/?tls=true&directConnection=true'],
  ['mongodb+srv://cluster.example/?tls=false', 'mongodb://b:2/?tls=false&directConnection=true'],
])('of %s a member is asked without the login', (uri, expected) => {
  expect(memberUri(uri, 'b:2')).toBe(expected);
});
