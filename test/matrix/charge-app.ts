import type { Db } from 'mongodb';
import { z } from 'zod';
import {
  currentRun,
  type Doubt,
  type Idempotency,
  type Policy,
  type Resolution,
  type Run,
} from '../../server/index.ts';
import { callersOf } from '../support/callers.ts';
import { startThreeApis } from '../support/three-apis.ts';
import { sessionOfRun } from '../transactions/misfortunes.ts';
import { type Boundary, MODES, type Mode } from './boundaries.ts';

export interface Receipt {
  readonly id: string;
  readonly attempt: number;
}

/** An effect as the other side keeps it. */
export interface Effect {
  readonly key: string;
  readonly attempt: number;
  readonly downstreamKey: string;
}

/** Called when a run is at a boundary: a promise that never resolves holds it there. */
export type At = (boundary: Boundary, key: string) => Promise<void>;

export const CHARGE_APIS = callersOf<Receipt>({
  name: 'charge',
  query: 'mutation ($amount: Int!) { charge(amount: $amount) { id attempt } }',
  input: () => ({ amount: 1 }),
});

/** Longer than it takes to bring all calls to where they are held. A retry waits, so it meets the end of the lease by itself. */
export const PATIENCE = { leaseMs: 120_000, waitTimeoutMs: 60_000 };
export const FOUND = 'found by resolve';
/** Each receipt begins with it, so that a command that stores one can be told from any other. */
export const RECEIPT = 'receipt-of-attempt-';

export const effectsOf = (db: Db) => db.collection<Effect>('effects');

/** Serves the same charge once for each mode, by each API. */
export async function startChargeApp(db: Db, idempotencyOf: (key: string) => Idempotency, at: At) {
  const apps = await Promise.all(
    MODES.map((mode) =>
      startThreeApis({
        idempotency: (header) => idempotencyOf(header('idempotency-key') ?? ''),
        policy: policyOf(mode, db),
        typeDefs: `
          type Receipt { id: ID! attempt: Int! }
          type Mutation { charge(amount: Int!): Receipt! }
        `,
        input: z.object({ amount: z.number() }),
        mutations: { charge: () => charge(db, currentRun() as Run, mode, at) },
      }),
    ),
  );
  return {
    urls: Object.fromEntries(MODES.map((mode, index) => [mode, apps[index]?.url])) as Record<Mode, string>,
    async [Symbol.asyncDispose]() {
      await Promise.all(apps.map((app) => app[Symbol.asyncDispose]()));
    },
  };
}

async function charge(db: Db, run: Run, mode: Mode, at: At): Promise<Receipt> {
  const { key, attempt } = run;
  await at('handler entered', key);
  const effect = async () => {
    const row = { key, attempt, downstreamKey: run.downstreamKey('charge') };
    await effectsOf(db).insertOne(row, mode === 'transaction' ? { session: sessionOfRun() } : {});
    await at('effect done', key);
    return attempt;
  };
  const charged = mode === 'steps' ? await run.step('charge', effect) : await effect();
  if (mode === 'steps') await at('step recorded', key);
  return { id: `${RECEIPT}${charged}`, attempt };
}

function policyOf(mode: Mode, db: Db): Policy {
  switch (mode) {
    case 'in_doubt':
      return { onCrash: 'in_doubt' };
    case 'retry':
    case 'steps':
      return { onCrash: 'retry' };
    case 'resolve':
      return { resolve: (doubt) => resolve(db, doubt) };
    case 'transaction':
      return { transaction: true };
    default:
      return mode satisfies never;
  }
}

/** Asks the other side by the key that the effect was sent with. */
async function resolve(db: Db, { downstreamKey, attempt }: Doubt): Promise<Resolution> {
  const found = await effectsOf(db).findOne({ downstreamKey: downstreamKey('charge') });
  if (!found) return { action: 'retry' };
  const data: Receipt = { id: FOUND, attempt };
  return { action: 'complete', data };
}
