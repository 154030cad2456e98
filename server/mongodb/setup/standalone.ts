import type { Database } from '../database.ts';
import { hostsOf } from '../writes/with-reason.ts';

/** Says why a mongod without a replica set is refused, and how to make it a set of one member. */
export function refusalOfStandalone(db: Database, namespace: string): string {
  return (
    `${namespace} is on a standalone mongod: when that is killed it may lose writes that it has acknowledged, and then a ` +
    'key can run twice; it has no transactions either. ' +
    `Fix: make it a replica set of one member. ${howToMakeASet(db)} ` +
    'To go without, in development only: createMongoStore({ db, allowStandalone: true })'
  );
}

export function refusalOfTransactions(db: Database, namespace: string): string {
  return (
    `A policy has \`transaction: true\`, but ${namespace} is on a standalone mongod, which has no transactions. ` +
    `Fix: make it a replica set of one member. ${howToMakeASet(db)}`
  );
}

/** Says how to initiate the set of a mongod that was started with `--replSet` only. */
export function refusalOfUninitiated(db: Database, namespace: string): string {
  return `${namespace} is on a mongod whose replica set is not initiated. Fix, once: ${initiate(db, '<its --replSet>')}`;
}

export const WARNING_OF_STANDALONE =
  'is on a standalone mongod, as `allowStandalone: true` allows: it is fit for development only, for it may lose acknowledged ' +
  'writes when it is killed, can not be failed over, and has no transactions.';

function howToMakeASet(db: Database): string {
  return (
    'Start it with `mongod --replSet rs0` and its other options (or `replication: { replSetName: rs0 }` in mongod.conf; with ' +
    `\`--auth\` it needs a \`--keyFile\`, too), then once: ${initiate(db, 'rs0')}. Its data stays.`
  );
}

function initiate(db: Database, name: string): string {
  // Without an argument `rs.initiate()` takes the machine's name, which clients elsewhere may not resolve.
  const [host = 'localhost:27017'] = hostsOf(db);
  return `mongosh "mongodb://${host}/?directConnection=true" --eval 'rs.initiate({ _id: "${name}", members: [{ _id: 0, host: "${host}" }] })'`;
}
