import type { Figures } from '../measure/interleaved.ts';
import type { Row } from './table.ts';

/** A row of what one variant did. CPU and shares hold for other machines too; requests a second do not. */
function figureRow(lead: Row, figures: Figures, { of, app }: { of: string; app: string }): Row {
  const { perSecond, ratio, appMicros, databaseMicros, p50Ms, p99Ms } = figures;
  return {
    ...lead,
    'runs/s': Math.round(perSecond),
    [`share of ${of}`]: ratio.toFixed(2),
    [`${app} µs`]: Math.round(appMicros),
    'mongod µs': Math.round(databaseMicros),
    'runs/s and mongod core': Math.round(1_000_000 / databaseMicros),
    'p50 ms': p50Ms.toFixed(1),
    'p99 ms': p99Ms.toFixed(1),
  };
}

/** A row for each variant, under the name of the variant. */
export function figureRows(
  all: Readonly<Record<string, Figures>>,
  { lead = {}, of = 'bare', app = 'app' }: { lead?: Row; of?: string; app?: string } = {},
): Row[] {
  return Object.entries(all).map(([variant, figures]) =>
    figureRow({ ...lead, variant }, figures, { of, app }),
  );
}
