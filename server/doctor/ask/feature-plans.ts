import type { Collection } from '../../mongodb/database.ts';
import { createIndexesCommand, KEY_INDEXES } from '../../mongodb/indexes.ts';
import { type Bench, DUPLICATE_KEY, requestOf } from './bench.ts';
import type { Plan } from './plan.ts';

const [LOCK, EXPIRY, ATTENTION] = KEY_INDEXES;

/** `FEATURE_PLANS` try what the protocol is made of. A server that only looks like MongoDB may lack one of these, which its own error does not always say. */
export const FEATURE_PLANS = {
  'unique-index': {
    async run(bench) {
      await makeIndex(bench.scratch, LOCK);
      const twin = { scope: 'twins', key: 'same' };
      await bench.insert(twin);
      const reply = await bench.insert(twin).catch((error) => ({ writeErrors: [error] }));
      const [error] = (reply.writeErrors ?? []) as { code?: number; message?: string }[];
      if (!error) return 'the server took a second document with the same scope and key';
      return error.code === DUPLICATE_KEY ? undefined : `the second document was refused by ${error.code}`;
    },
  },
  'ttl-index': { run: ({ scratch }) => makeIndex(scratch, EXPIRY) },
  'partial-index': { run: ({ scratch }) => makeIndex(scratch, ATTENTION) },
  'update-pipelines': {
    needs: ['unique-index'],
    run: (bench) => tryPipeline(bench, [{ $set: { seen: { $add: [1, 1] } } }], (seen) => seen === 2),
  },
  constants: {
    needs: ['update-pipelines'],
    run: (bench) =>
      tryPipeline(bench, [{ $set: { seen: '$$given' } }], (seen) => seen === '$given', { given: '$given' }),
  },
  'server-clock': {
    needs: ['update-pipelines'],
    run: (bench) => tryPipeline(bench, [{ $set: { seen: '$$NOW' } }], (seen) => seen instanceof Date),
  },
} as const satisfies Record<string, Plan>;

async function makeIndex(scratch: Collection, index: (typeof KEY_INDEXES)[number]): Promise<undefined> {
  await scratch.run({ ...createIndexesCommand(scratch, [index]), writeConcern: { w: 'majority' } });
}

async function tryPipeline(
  bench: Bench,
  u: object[],
  isRight: (seen: unknown) => boolean,
  c?: object,
): Promise<string | undefined> {
  const { scratch } = bench;
  const { scope, key } = requestOf();
  const statement = { q: { scope, key }, u, upsert: true, ...(c && { c }) };
  const reply = await scratch.run({ update: scratch.name, updates: [statement] });
  const [failed] = (reply.writeErrors ?? []) as { errmsg: string; code: number }[];
  if (failed) throw Object.assign(new Error(failed.errmsg), { code: failed.code });
  const find = { find: scratch.name, filter: { scope, key }, limit: 1, singleBatch: true };
  const { cursor } = await scratch.run(find);
  const [found] = (cursor as { firstBatch: { seen?: unknown }[] }).firstBatch;
  return isRight(found?.seen) ? undefined : `the update stored ${JSON.stringify(found?.seen) ?? 'nothing'}`;
}
