import { type KeyboardEvent, type ReactNode, useRef } from 'react';
import { useWidth } from '../../hooks/use-width.ts';
import { formatTick } from '../../lib/format.ts';
import { axisEnd, type Bucket } from '../../lib/series.ts';

const HEIGHT = 150;
const PLOT = { left: 44, right: 8, top: 8, bottom: 22 };

export interface Plot {
  readonly x: (index: number) => number;
  readonly y: (value: number) => number;
  readonly step: number;
  readonly bottom: number;
}

interface ChartProps {
  readonly title: string;
  readonly legend?: ReactNode;
  readonly series: readonly Bucket[];
  readonly highest: number;
  readonly format: (value: number) => string;
  /**
   * Draws the marks: links, each with a name and `data-mark`. Together they are one stop for Tab; the arrow keys go
   * on from there.
   */
  readonly marks: (plot: Plot) => ReactNode;
  readonly table: ReactNode;
}

/** Draws numbers over time, with the numbers themselves in a table below. */
export function Chart({ title, legend, series, highest, format, marks, table }: ChartProps) {
  const [box, width] = useWidth<HTMLDivElement>();
  const drawing = useRef<SVGSVGElement>(null);
  const end = axisEnd(highest);
  const bottom = HEIGHT - PLOT.bottom;
  const step = (width - PLOT.left - PLOT.right) / Math.max(1, series.length);
  const y = (value: number) => bottom - (value / end) * (bottom - PLOT.top);
  const plot = { x: (index: number) => PLOT.left + index * step, y, step, bottom };

  return (
    <section className="card min-w-0 p-4" aria-label={title}>
      <div className="mb-2 flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
        <h2 className="font-semibold">{title}</h2>
        {legend}
      </div>
      <div ref={box} className="h-[150px]">
        {width > 0 && (
          // biome-ignore lint/a11y/useSemanticElements: there is no element for a group within a drawing
          <svg
            ref={drawing}
            role="group"
            aria-label={`${title}, by time. The arrow keys move along it.`}
            width={width}
            height={HEIGHT}
            onKeyDown={(event) => moveAlong(event, drawing.current)}
          >
            {[0, end / 2, end].map((value) => (
              <g key={value} aria-hidden className="text-line">
                <line
                  x1={PLOT.left}
                  x2={width - PLOT.right}
                  y1={y(value)}
                  y2={y(value)}
                  stroke="currentColor"
                />
                <text
                  x={PLOT.left - 6}
                  y={y(value) + 4}
                  textAnchor="end"
                  fontSize="11"
                  className="fill-muted"
                >
                  {format(value)}
                </text>
              </g>
            ))}
            <Ticks series={series} plot={plot} width={width} />
            {marks(plot)}
          </svg>
        )}
      </div>
      <details className="mt-1">
        <summary className="w-fit rounded text-xs text-muted hover:text-ink">Show as a table</summary>
        <div className="mt-2 max-h-64 overflow-auto">{table}</div>
      </details>
    </section>
  );
}

function Ticks({ series, plot, width }: { series: readonly Bucket[]; plot: Plot; width: number }) {
  const span = (series.at(-1)?.to ?? 0) - (series[0]?.from ?? 0);
  const every = Math.max(1, Math.ceil(series.length / Math.max(2, Math.floor(width / 90))));
  return (
    <g aria-hidden>
      {series.map(
        ({ from }, index) =>
          index % every === 0 && (
            <text key={from} x={plot.x(index)} y={HEIGHT - 6} fontSize="11" className="fill-muted">
              {formatTick(from, span)}
            </text>
          ),
      )}
    </g>
  );
}

function moveAlong(event: KeyboardEvent, drawing: SVGSVGElement | null) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const marks = [...(drawing?.querySelectorAll<SVGAElement>('a[data-mark]') ?? [])];
  const next = step && marks[marks.indexOf(document.activeElement as SVGAElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
