import { hash } from 'node:crypto';
import type { Config } from './trpc.ts';

const PROBES: readonly (() => unknown)[] = [
  () => new Date(0),
  () => new Map([[1, new Date(1)]]),
  () => 10n,
  () => ({ a: undefined, b: [null, 'text', 1.5] }),
];

type Side = Config['transformer']['input'];

/**
 * Names a transformer in a record by a hash of what it makes of some fixed values. Inputs are compared, and results are kept, as
 * the transformer writes them; another one would take the same input for another, and read a result
 * as something else.
 */
export function formOf({ transformer }: Pick<Config, 'transformer'>): string {
  const sides = [transformer.input, transformer.output];
  const printed = sides.map((side) => PROBES.map((probe) => printedBy(side, probe)));
  return hash('sha256', JSON.stringify(printed), 'hex').slice(0, 8);
}

/** A transformer that encrypts writes the same value in another way each time. */
function printedBy(side: Side, probe: () => unknown): string {
  const [once, twice] = [printOf(side, probe), printOf(side, probe)];
  return once === twice ? once : 'varies';
}

function printOf(side: Side, probe: () => unknown): string {
  try {
    return String(JSON.stringify(side.serialize(probe())));
  } catch {
    return 'fails';
  }
}
