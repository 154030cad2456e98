/** A line of a plot has a value for each number of callers. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [callers: number, value: number])[];
}

export interface Panel {
  readonly title: string;
  readonly series: readonly Series[];
}

const WIDTH = 760;
const PANEL_HEIGHT = 280;
const MARGIN = { top: 44, right: 24, bottom: 44, left: 64 };
/** The colours of Okabe and Ito, who chose such as colour-blind people tell apart; all are readable on white and on black. */
const COLOURS = ['#8a8a8a', '#0084d1', '#d55e00', '#009e73'];
const DASHES = ['', '', '6 4', '2 3'];
const LINES = 4;

/**
 * Draws panels below each other, with the number of callers (by powers of two) to the right. The text has the colour of the
 * page's theme: a viewer who prefers dark gets light text.
 * @param alt what the picture shows, for who does not see it
 */
export function plot(alt: string, panels: readonly Panel[]): string {
  const height = PANEL_HEIGHT * panels.length + 36;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="title" font-family="system-ui, sans-serif" font-size="13">`,
    `<title id="title">${escaped(alt)}</title>`,
    '<style>text { fill: #1f2328 } .grid { stroke: #8884 } .page { fill: #fff }',
    '@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .page { fill: #0d1117 } }</style>',
    `<rect class="page" width="${WIDTH}" height="${height}"/>`,
    ...panels.flatMap((panel, index) => drawn(panel, index * PANEL_HEIGHT)),
    ...legend(panels[0]?.series ?? [], height - 14),
    '</svg>',
    '',
  ].join('\n');
}

function drawn({ title, series }: Panel, top: number): string[] {
  const callers = [...new Set(series.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b);
  const most = roundUp(Math.max(1, ...series.flatMap(({ points }) => points.map(([, y]) => y))));
  const last = Math.log2(Math.max(2, ...callers));
  const bottom = top + PANEL_HEIGHT - MARGIN.bottom;
  const x = (value: number) =>
    (MARGIN.left + (Math.log2(value) / last) * (WIDTH - MARGIN.left - MARGIN.right)).toFixed(1);
  const y = (value: number) =>
    (bottom - (value / most) * (PANEL_HEIGHT - MARGIN.top - MARGIN.bottom)).toFixed(1);
  const levels = Array.from({ length: LINES + 1 }, (_, step) => (most / LINES) * step);
  return [
    `<text x="${MARGIN.left}" y="${top + 24}" font-weight="600">${escaped(title)}</text>`,
    ...levels.flatMap((level) => [
      `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(level)}" y2="${y(level)}"/>`,
      `<text x="${MARGIN.left - 8}" y="${y(level)}" dy="4" text-anchor="end">${level.toLocaleString('en-US')}</text>`,
    ]),
    ...callers.map(
      (count) => `<text x="${x(count)}" y="${bottom + 20}" text-anchor="middle">${count}</text>`,
    ),
    ...series.flatMap(({ points }, index) => [
      `<polyline fill="none" stroke="${COLOURS[index]}" stroke-width="2.5" stroke-dasharray="${DASHES[index]}" points="${points.map(([count, value]) => `${x(count)},${y(value)}`).join(' ')}"/>`,
      ...points.map(
        ([count, value]) => `<circle cx="${x(count)}" cy="${y(value)}" r="3" fill="${COLOURS[index]}"/>`,
      ),
    ]),
  ];
}

function legend(series: readonly Series[], y: number): string[] {
  const width = (WIDTH - MARGIN.left) / Math.max(1, series.length);
  return series.flatMap(({ name }, index) => {
    const x = MARGIN.left + index * width;
    return [
      `<line x1="${x}" x2="${x + 28}" y1="${y - 4}" y2="${y - 4}" stroke="${COLOURS[index]}" stroke-width="2.5" stroke-dasharray="${DASHES[index]}"/>`,
      `<text x="${x + 36}" y="${y}">${escaped(name)}</text>`,
    ];
  });
}

/** The next number that reads well as the end of an axis. */
function roundUp(value: number): number {
  const step = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 6, 8, 10].find((times) => times * step >= value) ?? 10) * step;
}

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
