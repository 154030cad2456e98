import { type Collection, type Document, ObjectId } from 'mongodb';

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
  const body = JSON.stringify({ data: { pay: { id: `r-${index}`, note: 'x'.repeat(200) } } });
  const response = { format: 'graphql/1', body, bytes: body.length };
  return { state: 'completed', outcome, completedAt: new Date(endedMs), response };
}

/** As the server would have made it then. */
function idAt(ms: number, index: number): ObjectId {
  const seconds = Math.floor(ms / 1_000);
  return new ObjectId(seconds.toString(16).padStart(8, '0') + index.toString(16).padStart(16, '0'));
}
