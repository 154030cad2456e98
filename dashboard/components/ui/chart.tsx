import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from 'react';
import { useWidth } from '../../hooks/use-width.ts';
import { type Axis, timeAxis } from '../../lib/axes.ts';
import { formatTick } from '../../lib/format.ts';
import type { Bucket } from '../../lib/series.ts';

const HEIGHT = 168;
const MARGIN = { right: 8, top: 10, bottom: 24 };
/** A label's character is so wide at most, in the size of the labels. */
const CHARACTER = 6.6;
const TICK_EVERY = 90;

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
  /** The axis of the values; null where there is nothing to draw. */
  readonly axis: Axis | null;
  readonly format: (value: number) => string;
  /**
   * Draws the marks: links, each with a name, `data-mark`, and the index of its bucket as `data-index`. Together they are one
   * stop for Tab; the arrow keys go on from there.
   */
  readonly marks: (plot: Plot) => ReactNode;
  /** Says what a bucket holds, beside the pointer or the focus. */
  readonly card: (bucket: Bucket) => ReactNode;
  readonly table: ReactNode;
}

/** Draws numbers over time, with the numbers themselves in a table below. */
export function Chart({ title, legend, series, axis, format, marks, card, table }: ChartProps) {
  const [box, width] = useWidth<HTMLDivElement>();
  const [shown, setShown] = useState<number | null>(null);
  return (
    <section className="card min-w-0 p-4" aria-label={title}>
      <div className="mb-2 flex flex-wrap items-baseline justify-between gap-x-4 gap-y-1">
        <h2 className="font-semibold">{title}</h2>
        {axis && legend}
      </div>
      <div ref={box} className="relative h-42">
        {axis === null && (
          <p className="flex h-full items-center justify-center rounded-md bg-sunken text-muted">
            Nothing ran in this time
          </p>
        )}
        {axis && width > 0 && (
          <Drawing {...{ title, series, axis, format, marks, card, width, shown }} onShow={setShown} />
        )}
      </div>
      {axis && (
        <details className="mt-1">
          <summary className="w-fit rounded text-xs text-muted hover:text-ink">Show as a table</summary>
          <div className="mt-2 max-h-64 overflow-auto">{table}</div>
        </details>
      )}
    </section>
  );
}

interface DrawingProps extends Pick<ChartProps, 'title' | 'series' | 'format' | 'marks' | 'card'> {
  readonly axis: Axis;
  readonly width: number;
  /** The card of this bucket is shown. */
  readonly shown: number | null;
  readonly onShow: (index: number | null) => void;
}

function Drawing({ title, series, axis, format, marks, card, width, shown, onShow }: DrawingProps) {
  const drawing = useRef<SVGSVGElement>(null);
  const labels = axis.ticks.map((value) => ({ value, label: format(value) }));
  // The labels decide how much room they get: none is ever cut.
  const left = 10 + CHARACTER * Math.max(...labels.map(({ label }) => label.length));
  const bottom = HEIGHT - MARGIN.bottom;
  const step = (width - left - MARGIN.right) / Math.max(1, series.length);
  const x = (index: number) => left + index * step;
  const y = (value: number) => bottom - (value / axis.end) * (bottom - MARGIN.top);
  const bucket = shown === null ? undefined : series[shown];

  function show(event: PointerEvent) {
    const index = Math.floor((event.nativeEvent.offsetX - left) / step);
    onShow(index >= 0 && index < series.length ? index : null);
  }

  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: there is no element for a group within a drawing */}
      <svg
        ref={drawing}
        role="group"
        aria-label={`${title}, by time. The arrow keys move along it.`}
        width={width}
        height={HEIGHT}
        onKeyDown={(event) => moveAlong(event, drawing.current)}
        onPointerMove={show}
        onPointerLeave={() => onShow(null)}
        onFocus={({ target }) =>
          onShow(Number(target.closest('[data-index]')?.getAttribute('data-index') ?? -1))
        }
        onBlur={() => onShow(null)}
      >
        {bucket && shown !== null && (
          <rect
            aria-hidden
            x={x(shown)}
            y={MARGIN.top}
            width={step}
            height={bottom - MARGIN.top}
            className="fill-sunken"
          />
        )}
        {labels.map(({ value, label }) => (
          <g key={value} aria-hidden className="text-line">
            <line x1={left} x2={width - MARGIN.right} y1={y(value)} y2={y(value)} stroke="currentColor" />
            <text x={left - 6} y={y(value) + 4} textAnchor="end" fontSize="11" className="fill-muted">
              {label}
            </text>
          </g>
        ))}
        <TimeTicks series={series} left={left} width={width} />
        {marks({ x, y, step, bottom })}
      </svg>
      {bucket && shown !== null && (
        <Card at={x(shown) + step / 2} width={width}>
          {card(bucket)}
        </Card>
      )}
    </>
  );
}

const CARD_WIDTH = 190;

/** Shows a card beside its bucket, where it covers neither that nor the edge of the chart. */
function Card({ at, width, children }: { at: number; width: number; children: ReactNode }) {
  const isLeft = at > width / 2;
  const left = isLeft ? Math.max(0, at - CARD_WIDTH - 16) : Math.min(width - CARD_WIDTH, at + 16);
  return (
    <div
      aria-hidden
      style={{ left, width: CARD_WIDTH }}
      className="card pointer-events-none absolute top-0 z-10 bg-raised px-3 py-2 text-xs shadow-lg shadow-black/10"
    >
      {children}
    </div>
  );
}

interface TimeTicksProps {
  readonly series: readonly Bucket[];
  readonly left: number;
  readonly width: number;
}

function TimeTicks({ series, left, width }: TimeTicksProps) {
  const [from, to] = [series[0]?.from ?? 0, series.at(-1)?.to ?? 1];
  const right = width - MARGIN.right;
  return (
    <g aria-hidden>
      {timeAxis(from, to, Math.floor((right - left) / TICK_EVERY)).map((at) => {
        const x = left + ((at - from) / (to - from)) * (right - left);
        // A label at an edge begins or ends there instead of lying beyond it.
        const anchor = x < left + 18 ? 'start' : x > right - 18 ? 'end' : 'middle';
        return (
          <text key={at} x={x} y={HEIGHT - 6} textAnchor={anchor} fontSize="11" className="fill-muted">
            {formatTick(at, to - from)}
          </text>
        );
      })}
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
