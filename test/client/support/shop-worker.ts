import { randomBytes } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { createMongoStore } from '../../../server/mongodb/index.ts';
import { startShopServer } from './shop-server.ts';

const uri = process.env.SHOP_MONGODB_URI;
const client = uri === undefined ? undefined : await new MongoClient(uri).connect();
const db = client?.db(`latchkey_test_${randomBytes(6).toString('hex')}`);

const { port, payments } = await startShopServer(db && { store: createMongoStore({ db }) });
process.on('message', async (question) => {
  if (question === 'newDay') payments.length = 0;
  if (question === 'close') await db?.dropDatabase();
  process.send?.(payments);
});
process.send?.('ready');
process.send?.(port);
