import { readFileSync } from 'node:fs';
import { MongoClient } from 'mongodb';
import { expect, it } from 'vitest';
import { startMongod } from '../support/mongod/start-mongod.ts';
import { playMatrix } from './play-matrix.ts';
import { tableIn, tableOf } from './table.ts';

const PAGE = new URL('../../docs/reliability.md', import.meta.url);

it('a process that is killed at any boundary leaves what the table of docs/reliability.md says', async () => {
  // Its killed transactions would hold a shared server's locks for a minute.
  await using mongod = await startMongod();
  await using client = await new MongoClient(mongod.uri).connect();
  const fates = await playMatrix({ db: client.db('matrix'), uri: mongod.uri, name: 'matrix' });
  expect(tableOf(fates).split('\n')).toEqual(tableIn(readFileSync(PAGE, 'utf8')).split('\n'));
}, 300_000);
