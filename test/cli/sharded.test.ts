import { expect, it } from 'vitest';
import { createMongoStore } from '../../server/mongodb/index.ts';
import { runCli } from '../support/cli.ts';
import { freshDatabase } from '../support/database.ts';

it('`latchkey indexes --sharded` prints what shards the collection after what it says of the indexes', async () => {
  await using database = await freshDatabase();
  const call = (...args: string[]) =>
    runCli(['indexes', '--uri', database.uri, '--db', database.name, '--sharded', ...args]);
  const namespace = `${database.name}.idempotency_keys`;
  const shard = `db.adminCommand({"shardCollection":"${namespace}","key":{"scope":1,"key":1},"unique":true,"collation":{"locale":"simple"}})`;

  const before = await call();
  expect(before.code).toBe(1);
  expect(before.out).toMatch(/^Missing: scope_1_key_1\n/);
  expect(before.out).toContain(`\n${shard}\n`);

  await createMongoStore({ db: database.db }).ready();
  const [{ code, out }, json] = await Promise.all([call(), call('--json')]);
  expect(code).toBe(0);
  const [indexes, ...lines] = out.trim().split('\n');
  expect(indexes).toBe('All indexes are there.');
  // Whoever pastes it into mongosh runs the one command: zones are an example.
  expect(lines.filter((line) => line !== '' && !line.startsWith('//'))).toEqual([shard]);
  expect(lines.at(-1)).toBe(
    `// sh.updateZoneKeyRange("${namespace}", { scope: "eu/", key: MinKey }, { scope: "eu0", key: MinKey }, "EU")`,
  );
  expect(JSON.parse(json.out)).toMatchObject({ missing: [], fix: null, sharding: { shard } });
});
