import { LONGEST_MS } from './asking.ts';
import { DONE, DUPLICATE_KEY, requestOf, rivalOf } from './bench.ts';
import type { Plan } from './plan.ts';
import { tryTransactions } from './try-transactions.ts';

const RIVALS = 8;

/** `PROTOCOL_PLANS` try the writes and reads of a key, each as the store sends it. Each is one promise: the records of one are not those of another. */
export const PROTOCOL_PLANS = {
  claim: {
    needs: ['unique-index', 'update-pipelines', 'constants', 'server-clock'],
    async run(bench) {
      const { request } = await bench.claim();
      await bench.send(bench.writes.fresh(request));
      await bench.send(bench.writes.fresh(rivalOf(request)));
      const record = await bench.read(request);
      if (record?.state !== 'running') return `the record is ${record?.state ?? 'not there'}, not running`;
      return record.owner === request.owner ? undefined : 'a second claim took the key from the first';
    },
  },
  race: {
    needs: ['claim'],
    async run(bench) {
      const request = requestOf();
      const rivals = Array.from({ length: RIVALS }, () => rivalOf(request));
      const answers = await Promise.all(
        rivals.map((rival) =>
          bench.send(bench.writes.fresh(rival)).catch((error) => {
            if (error.code !== DUPLICATE_KEY) throw error;
            return { inserted: false };
          }),
        ),
      );
      const won = answers.filter(({ inserted }) => inserted).length;
      return won === 1 ? undefined : `${won} of ${RIVALS} claims of one key at the same time won it`;
    },
  },
  renew: {
    needs: ['claim'],
    async run(bench) {
      const { held } = await bench.claim({ leaseMs: 1_000 });
      const { matched } = await bench.send(
        bench.writes.renew(held, { leaseMs: 90_000, unresolvedRetentionMs: null }),
      );
      const record = await bench.read(held);
      const leaseMs = msOf(record?.leaseExpiresAt) - msOf(record?.startedAt);
      return matched && leaseMs >= 90_000 ? undefined : 'the lease did not become longer';
    },
  },
  step: {
    needs: ['claim'],
    async run(bench) {
      const { held } = await bench.claim();
      const step = { name: 'charge', value: DONE.response };
      // A copy of the write must not add the step again.
      for (let copy = 0; copy < 2; copy++) await bench.send(bench.writes.step(held, step));
      const { steps } = (await bench.read(held)) ?? {};
      const count = Array.isArray(steps) ? steps.length : 0;
      return count === 1 ? undefined : `the record has ${count} steps after one was recorded`;
    },
  },
  complete: {
    needs: ['claim'],
    async run(bench) {
      const { held } = await bench.claim();
      const stranger = { ...held, fence: held.fence - 1 };
      const wrong = await bench.send(bench.writes.settle(stranger, DONE));
      if (wrong.matched) return 'a run with another fence completed the key';
      const { matched } = await bench.send(bench.writes.settle(held, DONE));
      const record = await bench.read(held);
      const body = (record?.response as { body?: unknown } | undefined)?.body;
      return matched && record?.state === 'completed' && body === DONE.response.body
        ? undefined
        : 'the stored answer is not the one that was sent';
    },
  },
  release: {
    needs: ['claim'],
    async run(bench) {
      const { held, request } = await bench.claim();
      const release = { to: 'released', reason: 'not started', retentionMs: 60_000 } as const;
      await bench.send(bench.writes.settle(held, release));
      await bench.send(bench.writes.claim(rivalOf(request), held));
      const record = await bench.read(held);
      return record?.state === 'running' && record.attempts === 2
        ? undefined
        : 'a key that was released could not be claimed again';
    },
  },
  expire: {
    needs: ['complete'],
    async run(bench) {
      const { held, request } = await bench.claim();
      await bench.send(bench.writes.settle(held, { ...DONE, retentionMs: -60_000 }));
      const rival = { ...rivalOf(request), seed: request.seed + 1 };
      await bench.send(bench.writes.claim(rival, held));
      const record = await bench.read(held);
      // The server's own broom may have been there first.
      if (record === null) return undefined;
      return record.owner === rival.owner && record.attempts === 1
        ? undefined
        : 'an expired key could not be claimed as a new one';
    },
  },
  'give-up': {
    needs: ['claim'],
    async run(bench) {
      const request = requestOf();
      await bench.send(bench.writes.giveUp(request));
      // The claim itself comes late.
      await bench.send(bench.writes.fresh(request));
      const record = await bench.read(request);
      return record?.state === 'released' ? undefined : 'a claim that was given up won its key afterwards';
    },
  },
  takeover: {
    needs: ['claim', 'complete'],
    async run(bench) {
      const { held, request } = await bench.claim({ leaseMs: 0 });
      const rival = rivalOf(request);
      const { matched } = await bench.send(bench.writes.takeOver(rival, held, 'running'));
      if (!matched) return 'a run whose lease had lapsed could not be taken over';
      const late = await bench.send(bench.writes.settle(held, DONE));
      const record = await bench.read(held);
      return !late.matched && record?.owner === rival.owner && Number(record.fence) > held.fence
        ? undefined
        : 'the former run could still write to the key';
    },
  },
  'in-doubt': {
    needs: ['claim', 'complete'],
    async run(bench) {
      const { held, request } = await bench.claim({ leaseMs: 0 });
      await bench.send(bench.writes.takeOver(rivalOf(request), held, 'in_doubt'));
      const doubted = await bench.read(held);
      if (doubted?.state !== 'in_doubt')
        return `the record of a lapsed run is ${doubted?.state}, not in doubt`;
      await bench.send(bench.writes.late(held, DONE));
      const record = await bench.read(held);
      return record?.state === 'completed' ? undefined : 'a late result was not stored';
    },
  },
  read: {
    needs: ['claim'],
    async run(bench) {
      const { request, operationTime } = await bench.claim();
      const holding = await bench.reader.holding(request, operationTime, performance.now() + LONGEST_MS);
      if (holding?.owner !== request.owner) return 'a read after a claim does not see it';
      return holding.leaseLeftMs > 0 ? undefined : 'the server does not say how long a lease still lasts';
    },
  },
  transaction: {
    needs: ['claim', 'complete', 'read'],
    run: tryTransactions,
  },
} as const satisfies Record<string, Plan>;

const msOf = (value: unknown) => (value instanceof Date ? value.getTime() : Number.NaN);
