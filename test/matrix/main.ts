import { readFileSync, writeFileSync } from 'node:fs';
import { MongoClient } from 'mongodb';
import { startMongod } from '../support/mongod/start-mongod.ts';
import { playMatrix } from './play-matrix.ts';
import { tableOf, withTable } from './table.ts';

// `npm run matrix` plays the fault matrix and writes its table into docs/reliability.md.
const PAGE = new URL('../../docs/reliability.md', import.meta.url);

await using mongod = await startMongod();
await using client = await new MongoClient(mongod.uri).connect();
const fates = await playMatrix({ db: client.db('matrix'), uri: mongod.uri, name: 'matrix' });
const page = readFileSync(PAGE, 'utf8');
writeFileSync(PAGE, withTable(page, tableOf(fates)));
console.log(`${fates.length} calls were killed, each at its boundary; the table is in docs/reliability.md.`);
