import { randomBytes } from 'node:crypto';
import { type Collection, type Document, ObjectId } from 'mongodb';
import { graphqlFormat } from '../server/formats/graphql.ts';

const DAY_MS = 86_400_000;
const BATCH = 5_000;
const SCOPES = 10_000;
const OPERATIONS = ['chargeCard', 'refundCreate', 'orders.create', 'orders.cancel', 'payout', 'invoice.send'];

/** A month of keys as a busy shop leaves them: nearly all succeeded, few failed, and a handful that need somebody. */
export async function seedKeys(collection: Collection, count: number): Promise<void> {
  const now = Date.now();
  for (let from = 0; from < count; from += BATCH) {
    const length = Math.min(BATCH, count - from);
    const batch = Array.from({ length }, (_, index) => keyOf(from + index, count, now));
    await collection.insertMany(batch, {
      ordered: false,
      forceServerObjectId: false,
      writeConcern: { w: 1 },
    });
  }
}

/** The ids of records with the body that each is named for. */
export interface LargeKeys {
  /** One text of 1 MB. */
  readonly text: string;
  /** 1 MB of small values. */
  readonly values: string;
  /** A list of 5,000 items. */
  readonly items: string;
}

const LARGE = 500;
const MEGABYTE = 1_000_000;
const LARGE_BATCH = 10;

/** Gives large bodies to the newest keys that succeeded: 500 of 1 MB, and one of 5,000 items. */
export async function seedLargeBodies(collection: Collection): Promise<LargeKeys> {
  const succeeded = collection.find({ state: 'completed', outcome: 'success' }, { projection: { _id: 1 } });
  const found = await succeeded
    .sort({ _id: -1 })
    .limit(LARGE + 1)
    .toArray();
  const [items, text, values] = [
    { items: itemsOf(5_000) },
    { note: noteOf(MEGABYTE) },
    { items: itemsOf(22_000) },
  ];
  const writes = found.map(({ _id }, index) => {
    const pay = index === 0 ? items : index % 2 === 1 ? text : values;
    return { updateOne: { filter: { _id }, update: { $set: { response: responseOf(pay) } } } };
  });
  for (let from = 0; from < writes.length; from += LARGE_BATCH) {
    await collection.bulkWrite(writes.slice(from, from + LARGE_BATCH));
  }
  const idOf = (index: number) => String(found[index]?._id);
  return { items: idOf(0), text: idOf(1), values: idOf(2) };
}

const itemsOf = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    sku: `sku-${index}`,
    price: index,
    inStock: index % 7 > 0,
  }));

/** Not to be compressed. */
const noteOf = (length: number) => randomBytes(length).toString('base64').slice(0, length);

function responseOf(pay: object): Document {
  const body = graphqlFormat.writeResult({ data: { pay } });
  return { format: graphqlFormat.name, body, bytes: Buffer.byteLength(body) };
}

/** A day of counts, as processes write them down. */
export async function seedStats(collection: Collection, widthMs: number): Promise<void> {
  const last = Math.floor(Date.now() / widthMs) * widthMs;
  const spans = Array.from({ length: DAY_MS / widthMs }, (_, index) => last - index * widthMs);
  const durations = Object.fromEntries(Array.from({ length: 24 }, (_, step) => [String(20 + step), 40]));
  const counts = { success: 900, error: 5, released: 2, inDoubt: 1, replays: 60, durations };
  await collection.deleteMany({});
  await collection.insertMany(
    spans.flatMap((from) =>
      OPERATIONS.map((operation) => ({ widthMs, from: new Date(from), operation, ...counts })),
    ),
  );
}

function keyOf(index: number, count: number, now: number): Document {
  const startedMs = now - 60_000 - Math.floor((1 - index / count) * 29 * DAY_MS);
  const startedAt = new Date(startedMs);
  const durationMs = 20 + ((index * 7_919) % 900);
  return {
    _id: idAt(startedMs, index),
    scope: `customer-${(index * 7_919) % SCOPES}`,
    key: `key-${index}`,
    operation: index % 50_000 === 7 ? 'rare.operation' : OPERATIONS[index % OPERATIONS.length],
    fingerprint: 's1:0000000000000000000000000000000000000000000000000000000000000000',
    owner: `owner-${index}`,
    fence: startedMs,
    life: startedMs,
    attempts: 1,
    createdAt: startedAt,
    startedAt,
    expiresAt: new Date(now + 30 * DAY_MS),
    history: [],
    v: 1,
    ...stateOf(index, count, startedMs + durationMs, now),
  };
}

function stateOf(index: number, count: number, endedMs: number, now: number): Document {
  if (index % 10_000 === 3) return { state: 'in_doubt' };
  if (index % 40_000 === 11) return { state: 'running', leaseExpiresAt: new Date(endedMs) };
  if (index > count - 40) return { state: 'running', leaseExpiresAt: new Date(now + DAY_MS) };
  if (index % 500 === 9) return { state: 'released' };
  const outcome = index % 200 === 17 ? 'error' : 'success';
  const response = responseOf({ id: `r-${index}`, note: 'x'.repeat(200) });
  return { state: 'completed', outcome, completedAt: new Date(endedMs), response };
}

/** As the server would have made it then. */
function idAt(ms: number, index: number): ObjectId {
  const seconds = Math.floor(ms / 1_000);
  return new ObjectId(seconds.toString(16).padStart(8, '0') + index.toString(16).padStart(16, '0'));
}
