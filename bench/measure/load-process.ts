import { randomUUID } from 'node:crypto';
import autocannon from 'autocannon';
import { newIdempotencyKey } from '../../plugin/key/index.ts';
import type { KeyPlan, Load, Loaded } from './load.ts';
import { percentile } from './median.ts';

/** The callers, in a process of their own: their CPU is nobody else's. */
process.send?.('ready');
process.on('message', async (load: Load) => process.send?.(await carryOut(load)));

/** A request that takes longer is an error, also on a machine that is busy. */
const TIMEOUT_SECONDS = 60;

/** The keys that were sent with `keep`, in the order of their making. */
const kept: string[] = [];
let nextKept = 0;

function keyMaker(plan: KeyPlan): () => string {
  switch (plan.kind) {
    case 'new':
      return () => {
        const key = plan.version === 4 ? randomUUID() : newIdempotencyKey();
        if (plan.keep) kept.push(key);
        return key;
      };
    case 'recent': {
      const recent = kept.slice(-plan.count);
      let at = 0;
      return () => recent[at++ % recent.length] as string;
    }
    case 'each':
      return () => kept[nextKept++ % kept.length] as string;
    case 'one':
      return () => plan.key;
  }
}

async function carryOut({
  url,
  path,
  body,
  callers,
  seconds,
  amount,
  perSecond,
  keys,
}: Load): Promise<Loaded> {
  const key = keyMaker(keys);
  const times: number[] = [];
  const run = autocannon(
    {
      url,
      connections: callers,
      timeout: TIMEOUT_SECONDS,
      ...(amount === undefined ? { duration: seconds ?? 0 } : { amount }),
      ...(perSecond !== undefined && { overallRate: perSecond }),
      requests: [
        {
          method: 'POST',
          path,
          body,
          setupRequest: (request) => ({
            ...request,
            headers: { 'content-type': 'application/json', 'idempotency-key': key() },
          }),
        },
      ],
    },
    () => {},
  );
  // Its own figures are whole milliseconds.
  run.on('response', ((_client: unknown, _status: number, _bytes: number, ms: number) => {
    times.push(ms);
  }) as never);
  const result = await new Promise<autocannon.Result>((resolve) => run.on('done', resolve));
  // Connections were cut at the end, so it is not known whether the last ones arrived.
  if (keys.kind === 'new' && keys.keep && amount === undefined)
    kept.length = Math.max(0, kept.length - callers);
  const sorted = Float64Array.from(times).sort();
  return {
    answered: result['2xx'],
    refused: result.non2xx,
    errors: result.errors,
    seconds: result.duration,
    p50Ms: sorted.length === 0 ? 0 : percentile(sorted, 0.5),
    p99Ms: sorted.length === 0 ? 0 : percentile(sorted, 0.99),
  };
}
