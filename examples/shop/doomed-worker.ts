import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { MongoClient } from 'mongodb';
import { createShop } from './shop.ts';
import { paymentOf, send } from './traffic.ts';

const AT_ONCE = 3;

/** A second server of the shop, killed in the middle of its payments: their records are left to lapse. */
const [uri, database] = process.argv.slice(2) as [string, string];
const client = await new MongoClient(uri).connect();
let payments = 0;
const { server } = createShop(client.db(database), async () => {
  if (++payments === AT_ONCE) process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
for (let sent = 0; sent < AT_ONCE; sent++) void send(base, paymentOf(Math.random));
