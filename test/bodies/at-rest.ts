import { inflateSync } from 'node:zlib';
import { BSON } from 'mongodb';
import type { FreshDatabase } from '../support/database.ts';

/**
 * Where a text stands in a database, in whichever form: every collection, and all that the server's log of operations has
 * of it. A text that is base64 is looked into, and so is what that expands to.
 */
export async function placesOf(secret: string, { client, db, name }: FreshDatabase): Promise<string[]> {
  const places: string[] = [];
  const search = (value: unknown, path: string) => {
    if (typeof value === 'string' && readings(value).some((text) => text.includes(secret))) places.push(path);
    if (typeof value !== 'object' || value === null) return;
    for (const [field, content] of Object.entries(value)) {
      if (field.includes(secret)) places.push(path);
      search(content, `${path}.${field}`);
    }
  };
  for (const { name: collection } of await db.listCollections().toArray()) {
    for await (const document of db.collection(collection).find({}, { raw: true })) {
      const bytes = Buffer.from(document as unknown as Buffer);
      search(BSON.deserialize(bytes), collection);
      if (bytes.includes(secret) && places.length === 0) places.push(`${collection}, in its bytes`);
    }
  }
  const log = client.db('local').collection('oplog.rs');
  for await (const entry of log.find({ ns: { $regex: `^${name}\\.` } })) search(entry, 'oplog');
  return places;
}

function readings(text: string): string[] {
  const bytes = Buffer.from(text, 'base64');
  try {
    return [text, bytes.toString(), inflateSync(bytes).toString()];
  } catch {
    return [text, bytes.toString()];
  }
}
