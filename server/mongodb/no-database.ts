import { whatCame } from '../engine/what-came.ts';
import { withHelp } from '../engine/with-help.ts';

/** The message for what is no Db: what came, and how to get from there to one. An address may hold a password, so it is not repeated. */
export function noDatabase(value: unknown): string {
  const { came, fix } = lookAt(value);
  const text = `Expected \`db\` to be a Db of the MongoDB driver, such as client.db('shop'), or the \`db\` of a mongoose connection that is open, got ${came}${fix ? `. Fix: ${fix}` : ''}`;
  return withHelp(text, 'db');
}

function lookAt(value: unknown): { came: string; fix?: string } {
  if (value === undefined || value === null) {
    return {
      came: String(value),
      fix: 'with mongoose, `connection.db` is there once the connection is open: `await mongoose.connect(uri)` first',
    };
  }
  if (typeof value === 'string') return { came: 'a string', fix: "new MongoClient(uri).db('shop')" };
  const came = whatCame(value);
  const { then, db, collectionName, asPromise, connection } = value as Record<string, unknown>;
  if (typeof asPromise === 'function')
    return { came, fix: 'its `db`, once it is open: `(await connection.asPromise()).db`' };
  if (typeof then === 'function') return { came, fix: 'await it' };
  if (typeof collectionName === 'string')
    return { came, fix: 'its Db as `db`, and its name as `collection`' };
  if (typeof connection === 'object' && connection !== null) {
    return { came, fix: '`await mongoose.connect(uri)`, then `mongoose.connection.db`' };
  }
  return typeof db === 'function' ? { came, fix: "a Db of this client: client.db('shop')" } : { came };
}
