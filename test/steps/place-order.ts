import type { Db } from 'mongodb';
import type { Run } from '../../server/index.ts';
import type { PlaceOrder } from './order-app.ts';

/** Called inside of the step `charge` and after it. */
export type Pause = (where: 'in:charge' | 'after:charge', mode: string | undefined) => Promise<void>;

/** Two effects, each a row of `effects`, each in a step. */
export function placeOrderIn(db: Db, pause: Pause = async () => {}): PlaceOrder {
  async function effect({ key, attempt, fence, downstreamKey }: Run, name: string): Promise<string> {
    const row = { key, name, attempt, fence, downstreamKey: downstreamKey(name) };
    return (await db.collection('effects').insertOne(row)).insertedId.toHexString();
  }
  return async (run, mode) => {
    const charge = await run.step('charge', async () => {
      const id = await effect(run, 'charge');
      await pause('in:charge', mode);
      return id;
    });
    await pause('after:charge', mode);
    const shipment = await run.step('ship', () => effect(run, 'ship'));
    return { charge, shipment };
  };
}
