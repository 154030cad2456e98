import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { MongoClient } from 'mongodb';
import { startMongod } from '../../test/support/mongod/start-mongod.ts';
import { moodyProvider } from './provider.ts';
import { createShop } from './shop.ts';
import { APIS, story } from './story.ts';
import { Traffic } from './traffic.ts';

const { once: exitAfterwards, traffic: withTraffic, port } = options();

const mongod = process.env.MONGODB_URI ? undefined : await startMongod();
const uri = process.env.MONGODB_URI ?? (mongod?.uri as string);
const client = await new MongoClient(uri).connect();
const db = client.db('latchkey_example');
const { server, idempotency, dashboard } = createShop(db);
await idempotency.ready();
const base = await open(server, port);
console.log(`The shop is open: ${base}/graphql and ${base}/trpc\nIts keys are at ${base}/dashboard`);

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
  const traffic = withTraffic ? await startTraffic() : undefined;
  console.log(`
Try it; send it twice, then with another amount:

  curl -i ${base}/graphql -H 'content-type: application/json' \\
    -H 'authorization: me' -H 'idempotency-key: my-first-key' \\
    -d '{"query":"mutation { chargeCard(customer: \\"me\\", amount: 5) { id amount } }"}'

  curl -i ${base}/trpc/chargeCard -H 'content-type: application/json' \\
    -H 'authorization: me' -H 'idempotency-key: my-second-key' -d '{"customer":"me","amount":5}'

Ctrl-C closes the shop.`);
  const stop = () => traffic?.stop().then(close) ?? close();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
}

/** Starts customers of a second server of the shop, whose provider has its moods; a third one is killed every minute. */
async function startTraffic() {
  const shop = createShop(db, moodyProvider(Math.random));
  const traffic = new Traffic(await open(shop.server, 0), { uri, database: db.databaseName });
  console.log('\nCustomers come and go, until Ctrl-C');
  return {
    async stop() {
      await traffic.stop();
      await shop.dashboard.close();
      await shop.idempotency.close();
      shop.server.closeAllConnections();
      shop.server.close();
    },
  };
}

async function open(server: Server, port: number): Promise<string> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** In this order: no new keys, then the connections, then the database. */
async function close(): Promise<void> {
  await dashboard.close();
  await idempotency.close();
  server.closeAllConnections();
  server.close();
  await client.close();
  await mongod?.stop();
}

function options() {
  const { values } = parseArgs({
    options: {
      once: { type: 'boolean', default: false },
      traffic: { type: 'boolean', default: false },
      port: { type: 'string' },
    },
  });
  const wanted = Number(values.port ?? (values.once ? 0 : 4000));
  if (!Number.isInteger(wanted) || wanted < 0 || wanted > 65_535) {
    throw new Error(`Expected --port to be an integer from 0 to 65535, got ${values.port}`);
  }
  return { once: values.once, traffic: values.traffic, port: wanted };
}
