import { MongoClient } from 'mongodb';
import { startMongod } from '../../test/support/mongod/start-mongod.ts';
import { startProvider } from './provider.ts';
import { story } from './story.ts';

const mongod = process.env.MONGODB_URI ? undefined : await startMongod();
const uri = process.env.MONGODB_URI ?? (mongod?.uri as string);
const client = await MongoClient.connect(uri);
const db = client.db('latchkey_payments');
await db.dropDatabase();
const provider = await startProvider();

let allRight = true;
for await (const line of story(uri, db, provider)) {
  console.log(`${line.right ? '✓' : '✗'} ${line.what.padEnd(44)} ${line.got}`);
  allRight &&= line.right;
}

provider.close();
await client.close();
await mongod?.stop();
process.exitCode = allRight ? 0 : 1;
