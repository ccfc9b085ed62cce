import { assert } from '../src/base/assert.ts';
import { formatSize } from '../src/base/sizes.ts';

/** Lines over sizes in bytes, in panels with the same scales. */
export interface Chart {
  readonly title: string;
  /** For readers who cannot see it, and as its second line for the others. */
  readonly description: string;
  /** At least one. */
  readonly panels: readonly ChartPanel[];
}

export interface ChartPanel {
  readonly title: string;
  /** The same names in every panel; at most {@link SERIES_COUNT_MAX}. */
  readonly series: readonly ChartSeries[];
}

export interface ChartSeries {
  readonly name: string;
  readonly points: readonly ChartPoint[];
}

export interface ChartPoint {
  /** In bytes, above 0. */
  readonly x: number;
  /** In any unit, above 0. */
  readonly y: number;
}

/**
 * A colour each, on light and on dark ground, distinguishable for the colour-blind as well (after
 * Okabe and Ito), and a dash.
 */
const SERIES_STYLES = [
  { light: '#0063a6', dark: '#5ab4f0', dash: 'none', width: 2.5 },
  { light: '#0063a6', dark: '#5ab4f0', dash: '2 3', width: 1.5 },
  { light: '#c45200', dark: '#ff9b4a', dash: 'none', width: 1.5 },
  { light: '#c45200', dark: '#ff9b4a', dash: '7 3', width: 1.5 },
  { light: '#6b6b6b', dark: '#a8a8a8', dash: 'none', width: 1.5 },
] as const;
const SERIES_COUNT_MAX: number = SERIES_STYLES.length;

const COLUMN_COUNT = 3;
const PANEL = { width: 310, height: 235, left: 42, right: 14, top: 26, bottom: 30 } as const;
const HEAD_HEIGHT = 56;
const MARGIN = 10;
const LEGEND_LINE_HEIGHT = 22;
const STEPS_OF_DECADE = [1, 2, 5];

interface Scale {
  readonly ticks: readonly number[];
  /** From 0 at the first tick to 1 at the last. */
  place(value: number): number;
}

/** An SVG picture, readable on light and on dark ground, that contains only text. */
export function drawChart(chart: Chart): string {
  const points = chart.panels.flatMap(({ series }) => series.flatMap((one) => one.points));
  assert(points.length > 0, 'A chart shows something');
  const scales = {
    x: scaleOf([...new Set(points.map(({ x }) => x))].toSorted((a, b) => a - b)),
    y: scaleOf(ticksAround(points.map(({ y }) => y))),
  };
  const cells = chart.panels.map((panel, index) => place(index, drawPanel(panel, scales)));
  const legend = place(chart.panels.length, drawLegend(chart.panels[0]?.series ?? []));
  const rowCount = Math.ceil((chart.panels.length + 1) / COLUMN_COUNT);
  const width = COLUMN_COUNT * PANEL.width + 2 * MARGIN;
  const height = HEAD_HEIGHT + rowCount * PANEL.height + MARGIN;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${escapeXml(chart.title)}</title>`,
    `<desc>${escapeXml(chart.description)}</desc>`,
    `<style>${styleSheet()}</style>`,
    `<rect class="ground" width="${width}" height="${height}"/>`,
    text({ x: MARGIN, y: 24, className: 'title' }, chart.title),
    text({ x: MARGIN, y: 43 }, chart.description),
    ...cells,
    legend,
    '</svg>',
    '',
  ].join('\n');
}

/** 1, 2, 5, 10, 20, … from the one below every value to the one above. */
function ticksAround(values: readonly number[]): number[] {
  const [min, max] = [Math.min(...values), Math.max(...values)];
  assert(min > 0, 'A logarithmic scale has no zero');
  const decadeMin = Math.floor(Math.log10(min));
  const decades = Array.from({ length: Math.ceil(Math.log10(max)) - decadeMin + 1 }, (_, index) => decadeMin + index);
  const ticks = decades.flatMap((decade) => STEPS_OF_DECADE.map((step) => Number(`${step}e${decade}`)));
  const first = ticks.findLastIndex((tick) => tick <= min);
  const last = ticks.findIndex((tick) => tick >= max);
  return ticks.slice(first, Math.max(last, first + 1) + 1);
}

function scaleOf(ticks: readonly number[]): Scale {
  const [first, last] = [Math.log(ticks[0] ?? 1), Math.log(ticks.at(-1) ?? 1)];
  return { ticks, place: (value) => (last === first ? 0.5 : (Math.log(value) - first) / (last - first)) };
}

/** Puts a panel's content into the grid, row by row. */
function place(index: number, content: readonly string[]): string {
  const x = MARGIN + (index % COLUMN_COUNT) * PANEL.width;
  const y = HEAD_HEIGHT + Math.floor(index / COLUMN_COUNT) * PANEL.height;
  return [`<g transform="translate(${x} ${y})">`, ...content, '</g>'].join('\n');
}

function drawPanel({ title, series }: ChartPanel, scales: { x: Scale; y: Scale }): string[] {
  assert(series.length <= SERIES_COUNT_MAX, 'Every series has a style of its own');
  const plotWidth = PANEL.width - PANEL.left - PANEL.right;
  const plotHeight = PANEL.height - PANEL.top - PANEL.bottom;
  const x = (value: number): number => round(PANEL.left + scales.x.place(value) * plotWidth);
  const y = (value: number): number => round(PANEL.top + (1 - scales.y.place(value)) * plotHeight);
  const right = PANEL.left + plotWidth;
  const bottom = PANEL.top + plotHeight;
  return [
    text({ x: PANEL.left, y: PANEL.top - 9, className: 'panel' }, title),
    ...scales.y.ticks.flatMap((tick) => [
      `<path class="grid" d="M${PANEL.left} ${y(tick)}H${right}"/>`,
      text({ x: PANEL.left - 5, y: y(tick) + 3.5, className: 'end' }, String(tick)),
    ]),
    ...scales.x.ticks.flatMap((tick) => [
      `<path class="grid" d="M${x(tick)} ${PANEL.top}V${bottom}"/>`,
      text({ x: x(tick), y: bottom + 15, className: 'middle' }, formatSize(tick)),
    ]),
    ...series.map((one, index) => drawLine(one, index, { x, y })),
  ];
}

function drawLine(
  { name, points }: ChartSeries,
  index: number,
  to: { x: (value: number) => number; y: (value: number) => number },
): string {
  const path = points.map((point) => `${to.x(point.x)} ${to.y(point.y)}`).join('L');
  return path === '' ? '' : `<path class="line s${index}" d="M${path}"><title>${escapeXml(name)}</title></path>`;
}

function drawLegend(series: readonly ChartSeries[]): string[] {
  return series.flatMap(({ name }, index) => {
    const y = PANEL.top + 10 + index * LEGEND_LINE_HEIGHT;
    return [`<path class="line s${index}" d="M8 ${y}H40"/>`, text({ x: 47, y: y + 4 }, name)];
  });
}

function text(at: { x: number; y: number; className?: string }, content: string): string {
  const className = at.className === undefined ? '' : ` class="${at.className}"`;
  return `<text x="${at.x}" y="${at.y}"${className}>${escapeXml(content)}</text>`;
}

function styleSheet(): string {
  const styles = SERIES_STYLES.map(
    ({ light, dash, width }, index) => `.s${index}{stroke:${light};stroke-width:${width};stroke-dasharray:${dash}}`,
  );
  const darkStyles = SERIES_STYLES.map(({ dark }, index) => `.s${index}{stroke:${dark}}`);
  return [
    'text{font:11px system-ui,sans-serif;fill:#333}.title{font-size:16px;font-weight:600}.panel{font-weight:600}',
    '.end{text-anchor:end}.middle{text-anchor:middle}.ground{fill:#fff}.grid{stroke:#ddd;fill:none}',
    '.line{fill:none;stroke-linejoin:round}',
    ...styles,
    // Draws the ground as well: a page may be light where the reader's system is dark.
    '@media(prefers-color-scheme:dark){text{fill:#ccc}.ground{fill:#161616}.grid{stroke:#3a3a3a}',
    ...darkStyles,
    '}',
  ].join('');
}

/** To a tenth of a pixel. */
function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeXml(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
