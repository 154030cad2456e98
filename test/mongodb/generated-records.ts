import fc from 'fast-check';
import {
  BSON,
  Decimal128,
  type Document,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
} from 'mongodb';
import type { ClaimRequest } from '../../server/engine/decide.ts';
import { HIGHEST_COUNT, NEVER, type StoredRecord } from '../../server/engine/record.ts';
import { BSON_OPTIONS, recordOf } from '../../server/mongodb/codec.ts';
import { claimOf } from '../../server/testing/contract/requests.ts';

/** The time of all generated claims, to stand on its boundaries. */
export const NOW = new Date('2026-01-01T00:00:00.000Z');

export interface Case {
  readonly record: Document | null;
  readonly request: ClaimRequest;
}

/** BSON dates go further than those of JavaScript, which reads them as invalid. */
class FarDate extends Date {
  override getTime(): number {
    return 8.64e15 + 1;
  }
}

const from = <T>(...values: T[]) => fc.constantFrom(...values);
const dates = from(-1, 0, 1, -10_000_000, 10_000_000).map((ms) => new Date(NOW.getTime() + ms));
const anyDate = fc.oneof(
  { weight: 5, arbitrary: dates },
  from(new Date(0), new Date(8.64e15), new Date(-8.64e15)),
);
const expiry = fc.oneof(
  { weight: 3, arbitrary: from(new Date(NOW.getTime() + 1), NEVER) },
  { weight: 2, arbitrary: dates },
);
const counts = from(1, 2, 7, 1_000, 2 ** 31, HIGHEST_COUNT - 1, HIGHEST_COUNT, HIGHEST_COUNT + 1);
/** Drivers write the same number in three ways. */
const count = fc.tuple(counts, from('int', 'long', 'double')).map(([value, type]) => {
  if (type === 'int' && value < 2 ** 31) return new Int32(value);
  return type === 'double' ? new Double(value) : Long.fromNumber(value);
});
const owner = from('owner-1', 'owner-2');
const fingerprint = from(
  's1:aaaa',
  's1:aaaa',
  's1:bbbb',
  's2:cccc',
  's9:aaaa',
  's1 without a.*.b,c%3A:aaaa',
  's1 without a:aaaa',
  '',
  'no rule',
  's1:',
  '$owner',
);
const entry = { event: 'released', at: new Date(0), owner: 'earlier', fence: 1 };
const history = from(
  [],
  [entry],
  new Array(19).fill(entry),
  new Array(20).fill(entry),
  new Array(23).fill(entry),
);
const step = (name: string) => ({
  name,
  at: new Date(0),
  attempt: 1,
  value: { format: 'step/1', body: '$$ROOT', bytes: 6 },
});
const steps = from([step('charge')], [step('$owner'), step('charge')], [step('ship')]);
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const captured = from(
  { format: 'test/1', body: '$$ROOT', bytes: 6 },
  {
    format: '$owner',
    body: '$fence',
    bytes: 6,
    encoding: 'deflate',
    cipher: { keyId: '$$NOW', iv: '', tag: '$' },
  },
  { format: 'test/1', bytes: 99, omitted: 'too_large' },
) satisfies fc.Arbitrary<ClaimRequest['captured']>;

const traceparent = from('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '$owner');

const every = {
  operation: from('pay', 'ship'),
  owner,
  fence: count,
  life: count,
  attempts: count,
  createdAt: anyDate,
  startedAt: anyDate,
  expiresAt: expiry,
  transactional: optional(from(true, false)),
  traceparent: optional(traceparent),
  request: optional(captured),
  steps: optional(steps),
  history,
  v: from<unknown>(1, new Double(1), Long.fromNumber(1)),
};
const hashes = { fingerprint, selection: optional(fingerprint) };

/** One of each state, as this release writes them. */
const sound: fc.Arbitrary<Document> = fc.oneof(
  fc.record({ ...every, ...hashes, state: from('running'), leaseExpiresAt: dates }),
  fc.record({
    ...every,
    ...hashes,
    state: from('completed'),
    outcome: from('success', 'error'),
    completedAt: dates,
    response: from({ format: 'test/1', body: '$$ROOT', bytes: 6 }),
  }),
  fc.record({ ...every, fingerprint: optional(fingerprint), state: from('released') }),
  fc.record({ ...every, ...hashes, state: from('in_doubt') }),
);

const DAMAGED = [
  'operation',
  'owner',
  'fence',
  'life',
  'attempts',
  'createdAt',
  'startedAt',
  'expiresAt',
  'transactional',
  'traceparent',
  'request',
  'steps',
  'history',
  'v',
  'fingerprint',
  'selection',
  'state',
  'leaseExpiresAt',
  'completedAt',
  'outcome',
];
const MISSING = Symbol('missing');
const STRANGE: readonly unknown[] = [
  MISSING,
  null,
  '',
  'text',
  '$$NOW',
  'running',
  'paused',
  '7',
  0,
  -1,
  1,
  2,
  1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  new Double(2 ** 53),
  Long.fromString('9007199254740993'),
  Long.MIN_VALUE,
  Decimal128.fromString('1'),
  Decimal128.fromString('NaN'),
  true,
  false,
  [],
  ['running'],
  [1],
  {},
  { running: 1 },
  NOW,
  new FarDate(),
  new Timestamp(1n),
  new ObjectId('65a000000000000000000000'),
  Buffer.from('running'),
  /running/,
  new MinKey(),
  new MaxKey(),
];
const strange = from(MISSING, ...STRANGE);

/** Some entries of a list of steps are none. */
const strangeSteps = from<unknown[]>(
  [{}],
  [null],
  [{ name: 1 }, step('charge')],
  [step('charge'), ['charge']],
  [[step('charge')]],
  [{ name: ['charge'] }],
  [{ name: 'charge' }],
  [{ name: 'charge', at: 'yesterday', value: 7 }],
);

/** Whatever an editor, another release or a broken disk may leave. */
const damaged = fc
  .tuple(
    sound,
    fc.uniqueArray(
      fc.oneof(
        { weight: 9, arbitrary: fc.tuple(from(...DAMAGED), strange) },
        { weight: 1, arbitrary: fc.tuple(from('steps'), strangeSteps) },
      ),
      { minLength: 1, maxLength: 3 },
    ),
  )
  .map(([record, damages]) => ({ ...record, ...Object.fromEntries(damages) }));

const record: fc.Arbitrary<Document | null> = fc
  .oneof(
    { weight: 5, arbitrary: sound },
    { weight: 5, arbitrary: damaged },
    { weight: 1, arbitrary: from(null) },
  )
  .map((found) => found && withoutMissing({ ...found, more: { of: 'another release' } }));

const request: fc.Arbitrary<ClaimRequest> = fc
  .record({
    owner,
    operation: from('pay', '$operation'),
    fingerprints: from<ClaimRequest['fingerprints']>(
      ['s1:aaaa'],
      ['s1:bbbb', 's2:cccc'],
      ['s2:cccc', 's1:aaaa'],
      ['s1:bbbb', 's1 without a.*.b,c%3A:aaaa'],
      ['no rule'],
      ['$owner'],
    ),
    selections: optional(from<ClaimRequest['fingerprints']>(['s1:sel'], ['$$ROOT', 's0:old'])),
    seed: from(1, 8, 1_001, 1_767_225_600_000),
    leaseMs: from(1_000, 30_000),
    unresolvedRetentionMs: from(null, 60_000),
    transactional: from(true, false),
    captured: optional(captured),
    traceparent: optional(traceparent),
  })
  .map(({ selections, captured, traceparent, ...rest }) =>
    claimOf({
      ...rest,
      ...(selections && { selections }),
      ...(captured && { captured }),
      ...(traceparent && { traceparent }),
    }),
  );

export const generatedCases: fc.Arbitrary<Case> = fc.record({ record, request });

/** Each field of a record that was released, with each strange value in its place: whoever asks would have its key if it were sound. */
export function eachDamage(request: ClaimRequest): Case[] {
  const released = {
    ...{
      operation: 'pay',
      fence: 7,
      life: 7,
      attempts: 1,
      owner: 'earlier',
      state: 'released',
      history: [],
      v: 1,
    },
    ...{ createdAt: NOW, startedAt: NOW, expiresAt: NEVER },
  };
  return DAMAGED.flatMap((field) =>
    STRANGE.map((value) => ({ request, record: withoutMissing({ ...released, [field]: value }) })),
  );
}

function withoutMissing(document: Document): Document {
  return Object.fromEntries(
    Object.entries(document).filter(([, value]) => value !== undefined && value !== MISSING),
  );
}

/** A generated record as the store reads it: numbers that drivers write in three ways are plain. */
export const asRead = (record: Document): StoredRecord =>
  recordOf(BSON.deserialize(BSON.serialize(record, { ignoreUndefined: true }), BSON_OPTIONS));

/** The model of the server knows the types that JavaScript has, and no others. */
export const isModelled = ({ record }: Case) => record === null || isPlain(asRead(record));
function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (value instanceof Date) return !Number.isNaN(value.getTime());
  if (Array.isArray(value)) return value.every(isPlain);
  return Object.getPrototypeOf(value) === Object.prototype && Object.values(value).every(isPlain);
}

/** Names whoever the record says holds it. */
export const holderOf = ({ scope, key }: ClaimRequest, record: StoredRecord | null) => {
  const { owner, fence } = record ?? {};
  const known = typeof owner === 'string' && typeof fence === 'number';
  return { scope, key, ...(known ? { owner, fence } : { owner: 'nobody', fence: 0 }), life: 1, attempts: 1 };
};
