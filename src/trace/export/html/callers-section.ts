import { formatCount, formatDuration } from '../../../base/number-format.ts';
import { formatSize } from '../../../base/sizes.ts';
import { callRate } from '../../analysis/call-rate.ts';
import type { CallerStatistics } from '../../analysis/caller-statistics.ts';
import { html, shortName } from './markup.ts';
import type { Content, Markup } from './markup.ts';
import { section, table } from './page-parts.ts';
import type { TableColumn } from './page-parts.ts';
import { formatPercent, formatRate, formatSizeRange } from './report-numbers.ts';

/** The rest are the lightest; "dmabuf callers" has them all. */
export const CALLERS_SHOWN = 100;

interface CallerColumn extends TableColumn {
  /** Undefined where it is not known. */
  readonly cell: (caller: CallerStatistics, whole: Whole) => Content;
}

interface Whole {
  readonly totalNs: number;
}

const NUMBERED: readonly CallerColumn[] = [
  { heading: 'Calls', isNumber: true, cell: ({ callCount }) => formatCount(callCount) },
  { heading: 'Samples', isNumber: true, cell: ({ sampleCount }) => ifKnown(sampleCount, formatCount) },
  { heading: 'Calls/s', isNumber: true, cell: (caller) => perSecond(caller) },
  { heading: 'Buffer size', isNumber: true, cell: ({ sizeBytes }) => ifKnown(sizeBytes, formatSizeRange) },
  { heading: 'Bytes in all', isNumber: true, cell: ({ totalBytes }) => ifKnown(totalBytes, formatSize) },
  { heading: 'Buffers', isNumber: true, cell: ({ buffers }) => ifKnown(buffers?.count, formatCount) },
  { heading: 'Median', isNumber: true, cell: ({ medianNs }) => ifKnown(medianNs, formatDuration) },
  { heading: 'Longest', isNumber: true, cell: ({ maxNs }) => ifKnown(maxNs, formatDuration) },
  { heading: 'Time in all', isNumber: true, cell: ({ totalNs }) => ifKnown(totalNs, formatDuration) },
  { heading: 'Share', isNumber: true, cell: ({ totalNs }, whole) => shareOf(totalNs, whole.totalNs) },
  { heading: 'Of a core', isNumber: true, cell: (caller) => shareOfCore(caller) },
  {
    heading: 'Refused',
    isNumber: true,
    cell: ({ failureCount }) => ifKnown(failureCount === 0 ? undefined : failureCount, formatCount),
  },
];

/** Who maps: a row for each call path. Columns that the source says nothing about are left out. */
export function formatCallers(callers: readonly CallerStatistics[]): Markup {
  if (callers.length === 0) return section('callers', 'Who maps', html`<p>No mapping of a dma-buf was found.</p>`);
  const shown = callers.slice(0, CALLERS_SHOWN);
  const whole = { totalNs: callers.reduce((sum, { totalNs = 0 }) => sum + totalNs, 0) };
  const known = NUMBERED.filter(({ cell }) => shown.some((caller) => cell(caller, whole) !== undefined));
  const rows = shown.map((caller, index) => [
    whoIs(caller, index),
    ...known.map(({ cell }) => cell(caller, whole) ?? '-'),
  ]);
  const more = callers.length - shown.length;
  return section(
    'callers',
    'Who maps',
    table('Who maps, by call path', [{ heading: 'Consumer' }, ...known], rows),
    more === 0 ? undefined : html`<p>${formatCount(more)} more call paths, the lightest, are not shown.</p>`,
  );
}

function whoIs({ consumer: { name, origin } }: CallerStatistics, index: number): Markup {
  return html`<a href="#path-${index + 1}">${index + 1}. ${shortName(name)}</a> <small>${ORIGINS[origin]}</small>`;
}

const ORIGINS = { 'in-tree': 'in tree', 'out-of-tree': 'out of tree', unknown: 'origin not known' } as const;

function ifKnown<Value>(value: Value | undefined, format: (known: Value) => string): string | undefined {
  return value === undefined ? undefined : format(value);
}

function perSecond(caller: CallerStatistics): string | undefined {
  const rate = callRate(caller);
  return rate === undefined ? undefined : formatRate(rate.callsPerSecond);
}

function shareOfCore(caller: CallerStatistics): string | undefined {
  const rate = callRate(caller);
  if (rate === undefined || caller.totalNs === undefined) return undefined;
  return formatPercent((caller.totalNs / 1e9 / rate.seconds) * 100);
}

function shareOf(ns: number | undefined, totalNs: number): string | undefined {
  return ns === undefined || totalNs === 0 ? undefined : formatPercent((ns / totalNs) * 100);
}
