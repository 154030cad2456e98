import { type OrderShopOptions, startOrderShop } from './order-shop.ts';

export interface OrderWorkerOptions extends OrderShopOptions {
  /** The mutation that is never left. */
  readonly holdIn: string;
}

/** What it tells its parent, after `'ready'`. */
export type OrderWorkerMessage = { url: string } | { holding: string };

/** A server process, to be killed in the middle of an order. */
const { holdIn, ...options } = JSON.parse(process.argv[2] ?? '') as OrderWorkerOptions;
const send = (message: OrderWorkerMessage) => process.send?.(message);

const { url } = await startOrderShop(options, async (field) => {
  if (field !== holdIn) return;
  send({ holding: field });
  await new Promise(() => {});
});

process.send?.('ready');
send({ url });
