import { parseArgs } from 'node:util';
import { startMongod } from '../test/support/mongod/start-mongod.ts';
import { benchHttp } from './http.ts';
import { benchStore } from './store.ts';
import { markdownTable } from './table.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
  },
});
const options = { seconds: positive('seconds'), rounds: positive('rounds') };

const mongod = process.env.MONGODB_URI ? undefined : await startMongod();
const uri = process.env.MONGODB_URI ?? (mongod?.uri as string);
try {
  if (values.only !== 'http') await benchStore({ uri, ...options }, markdownTable('The store alone'));
  if (values.only !== 'store') await benchHttp({ uri, ...options }, markdownTable('Over HTTP'));
} finally {
  await mongod?.stop();
}

function positive(name: 'seconds' | 'rounds'): number {
  const value = Number(values[name]);
  if (!(value > 0)) throw new Error(`Expected --${name} to be a number above 0, got ${values[name]}`);
  return value;
}
