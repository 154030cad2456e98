import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { MongoClient } from 'mongodb';
import { startMongod } from '../../test/support/mongod/start-mongod.ts';
import { createShop } from './shop.ts';
import { APIS, story } from './story.ts';

const { once: exitAfterwards, port } = options();

const mongod = process.env.MONGODB_URI ? undefined : await startMongod();
const client = await new MongoClient(process.env.MONGODB_URI ?? (mongod?.uri as string)).connect();
const db = client.db('latchkey_demo');
const { server, idempotency } = createShop(db);
await idempotency.ready();

server.listen(port, '127.0.0.1');
await once(server, 'listening');
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
console.log(`The shop is open: ${base}/graphql and ${base}/trpc`);

let allRight = true;
for (const api of APIS) {
  console.log(`\nA client of the ${api.name} API`);
  for await (const line of story(base, api, (key) => db.collection('charges').countDocuments({ key }))) {
    console.log(`  ${line.right ? '✓' : '✗'} ${line.what.padEnd(28)} ${line.got}`);
    allRight &&= line.right;
  }
}

if (exitAfterwards) {
  await close();
  process.exitCode = allRight ? 0 : 1;
} else {
  console.log(`
Try it; send it twice, then with another amount:

  curl -i ${base}/graphql -H 'content-type: application/json' \\
    -H 'authorization: me' -H 'idempotency-key: my-first-key' \\
    -d '{"query":"mutation { chargeCard(customer: \\"me\\", amount: 5) { id amount } }"}'

  curl -i ${base}/trpc/chargeCard -H 'content-type: application/json' \\
    -H 'authorization: me' -H 'idempotency-key: my-second-key' -d '{"customer":"me","amount":5}'

Ctrl-C closes the shop.`);
  process.once('SIGINT', close);
  process.once('SIGTERM', close);
}

/** In this order: no new keys, then the connections, then the database. */
async function close(): Promise<void> {
  await idempotency.close();
  server.closeAllConnections();
  server.close();
  await client.close();
  await mongod?.stop();
}

function options() {
  const { values } = parseArgs({
    options: { once: { type: 'boolean', default: false }, port: { type: 'string' } },
  });
  const wanted = Number(values.port ?? (values.once ? 0 : 4000));
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65_535) {
    throw new Error(`Expected --port to be an integer from 0 to 65535, got ${values.port}`);
  }
  return { once: values.once, port: wanted };
}
