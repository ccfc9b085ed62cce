/** The output of `dmabuf layout` for people. */

import type { BufferLayout } from '../../heap/backend.ts';
import { formatSize } from '../../base/sizes.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import { firstRuns, samplePages, summarizeOrders, summarizeStripes } from '../../measure/layout-summary.ts';
import { summarizeRuns } from '../../measure/run-summary.ts';
import type { SgTable } from '../../sg/sg-table.ts';
import { drawOrders, drawPlacements, drawStripes, explainStripes, pictureColumns } from './picture.ts';
import type { OpenTarget } from './target.ts';
import { formatName } from '../../base/printable-text.ts';
import { formatAmount, formatCount } from '../../base/number-format.ts';
import { formatSection, indentLines, sectionColumns } from '../report-section.ts';
import type { ReportStyle, Section } from '../report-section.ts';
import { formatLabelled, formatTable, wrapText } from '../table.ts';

const STRIPE_ROWS = 2;
const PLACEMENT_ROWS = 8;
const SAMPLES_MAX = 512;
const FIRST_RUNS_MAX = 12;

type KnownLayout = Extract<BufferLayout, { known: true }>;

type BufferFacts = Pick<DmaBuf, 'inode' | 'exporter' | 'name' | 'length'>;

/** The known facts of a buffer, with or without its layout. */
export function formatFacts(
  { buffer, origin }: { readonly buffer: BufferFacts } & Pick<OpenTarget, 'origin'>,
  style: ReportStyle,
): string[] {
  const { inode, exporter, name, length } = buffer;
  return [
    style.bold(`A buffer of ${formatSize(length)}`),
    `  inode     ${inode}`,
    `  exporter  ${formatName(exporter)}`,
    `  name      ${name === '' ? '(none)' : formatName(name)}`,
    ...(origin === undefined ? [] : formatLabelled('  origin    ', origin, style.columns)),
  ];
}

/** The places of its pages. `all`: every run. */
export function formatKnownLayout(
  { table, source }: KnownLayout,
  { memory, all }: Pick<OpenTarget, 'memory'> & { readonly all: boolean },
  style: ReportStyle,
): string[] {
  const { columns } = style;
  const sections = [drawMemory(table, memory, columns), formatOrders(table, columns), formatRuns(table, all, columns)];
  return [...formatSummary(table, source, columns), ...sections.flatMap((section) => formatSection(section, style))];
}

function formatSummary(table: SgTable, source: string, columns: number): string[] {
  const { runCount, largestBytes, meanBytes } = summarizeRuns(table);
  const pages = `${formatAmount(table.pageCount, 'page', 'pages')} of ${formatSize(table.pageSize)}`;
  const entries = table.entryCount === runCount ? '' : `${formatAmount(table.entryCount, 'entry', 'entries')} in `;
  const runs = `${entries}${formatAmount(runCount, 'run', 'runs')}, the largest of ${formatSize(largestBytes)}, of ${formatSize(meanBytes)} on average`;
  return [
    ...formatLabelled('  pages     ', `${pages}: ${runs}`, columns),
    ...formatLabelled('  source    ', source, columns),
  ];
}

function drawMemory(table: SgTable, memory: string, columns: number): Section {
  const width = sectionColumns(columns);
  const columnCount = pictureColumns(width);
  const stripes = summarizeStripes(table, columnCount * STRIPE_ROWS);
  const { firstPfn } = stripes;
  const endPfn = firstPfn + stripes.pageCounts.length * stripes.stripePageCount;
  const frame = { columnCount, labelWidth: String(endPfn - 1).length };
  const axes = { ...frame, rowCount: PLACEMENT_ROWS, bufferPageCount: table.pageCount, firstPfn, endPfn };
  const distance = Math.ceil(table.pageCount / SAMPLES_MAX);
  const dot = distance === 1 ? 'each page' : `1 page in ${formatCount(distance)}`;
  return {
    heading: `Where its pages lie in ${memory} (pfns on the left)`,
    lines: indentLines([
      ...drawStripes(stripes, frame),
      ...wrapText(explainStripes(stripes.stripePageCount, table.pageSize), width),
      '',
      ...drawPlacements(samplePages(table, SAMPLES_MAX), axes),
      ...wrapText(`to the right: through the buffer; upwards: pfns; a dot for ${dot}`, width),
    ]),
  };
}

/** The orders of entries, if these are known, otherwise of runs. */
export function formatOrders(table: SgTable, columns: number): Section {
  const options = { pageSize: table.pageSize, width: sectionColumns(columns) };
  const { runCount, shares } = summarizeRuns(table);
  if (table.entryCount !== runCount)
    return { heading: 'Entries by order', lines: indentLines(drawOrders(summarizeOrders(table), options)) };
  const runs = shares.map(({ order, runCount, pageCount }) => ({ order, entryCount: runCount, pageCount }));
  return { heading: 'Runs by order, rounded down', lines: indentLines(drawOrders(runs, options)) };
}

function formatRuns(table: SgTable, all: boolean, columns: number): Section {
  const runCount = table.runs().count;
  const shown = firstRuns(table, all ? runCount : FIRST_RUNS_MAX);
  const lines = formatTable(
    ['PAGE', 'PFN', 'ADDRESS', 'PAGES', 'SIZE'].map((heading) => ({ heading, align: 'right' })),
    shown.map(({ bufferPage, pfn, pageCount }) => [
      formatCount(bufferPage),
      String(pfn),
      `0x${(pfn * table.pageSize).toString(16)}`,
      formatCount(pageCount),
      formatSize(pageCount * table.pageSize),
    ]),
    sectionColumns(columns),
  );
  const rest = runCount - shown.length;
  const more = rest === 0 ? [] : [`and ${formatCount(rest)} more: --all shows them`];
  const heading = rest === 0 ? 'Its runs, by the page of the buffer' : 'Its first runs, by the page of the buffer';
  return { heading, lines: indentLines([...lines, ...more]) };
}
