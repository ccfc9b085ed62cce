/** What `dmabuf layout` prints for people. */

import type { BufferLayout } from '../backend/contract.ts';
import { formatSize } from '../base/sizes.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import { firstRuns, samplePages, summarizeOrders, summarizeStripes } from '../measure/layout-summary.ts';
import { summarizeRuns } from '../measure/run-summary.ts';
import type { SgTable } from '../sg/sg-table.ts';
import { drawOrders, drawPlacements, drawStripes, explainStripes } from './layout-picture.ts';
import type { OpenTarget } from './layout-target.ts';
import { formatName } from './ls-text.ts';
import { formatAmount, formatCount } from './number-format.ts';
import type { ReportStyle, Section } from './report-section.ts';
import { formatLabelled, formatTable, wrapText } from './table.ts';
import { WIDTH } from './terminal.ts';

const INDENT = '  ';
/** Leaves room for the pfns on the left. */
const PICTURE_COLUMNS = 64;
const STRIPE_ROWS = 2;
const PLACEMENT_ROWS = 8;
const SAMPLES_MAX = 512;
const ORDER_BAR_WIDTH = 30;
const FIRST_RUNS_MAX = 12;

type KnownLayout = Extract<BufferLayout, { known: true }>;

type BufferFacts = Pick<DmaBuf, 'inode' | 'exporter' | 'name' | 'length'>;

/** What is known of a buffer, whether its layout is or not. */
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
    ...(origin === undefined ? [] : formatLabelled('  origin    ', origin, WIDTH)),
  ];
}

/** Where its pages lie. `all`: every run. */
export function formatKnownLayout(
  { table, source }: KnownLayout,
  { memory, all }: Pick<OpenTarget, 'memory'> & { readonly all: boolean },
  style: ReportStyle,
): string[] {
  const sections = [drawMemory(table, memory), formatOrders(table), formatRuns(table, all)];
  return [
    ...formatSummary(table, source),
    ...sections.flatMap((section) => ['', style.bold(section.heading)].concat(section.lines)),
  ];
}

function formatSummary(table: SgTable, source: string): string[] {
  const { runCount, largestBytes, meanBytes } = summarizeRuns(table);
  const pages = `${formatAmount(table.pageCount, 'page', 'pages')} of ${formatSize(table.pageSize)}`;
  const entries = table.entryCount === runCount ? '' : `${formatAmount(table.entryCount, 'entry', 'entries')} in `;
  const runs = `${entries}${formatAmount(runCount, 'run', 'runs')}, the largest of ${formatSize(largestBytes)}, of ${formatSize(meanBytes)} on average`;
  return [
    ...formatLabelled('  pages     ', `${pages}: ${runs}`, WIDTH),
    ...formatLabelled('  source    ', source, WIDTH),
  ];
}

function drawMemory(table: SgTable, memory: string): Section {
  const stripes = summarizeStripes(table, PICTURE_COLUMNS * STRIPE_ROWS);
  const { firstPfn } = stripes;
  const endPfn = firstPfn + stripes.pageCounts.length * stripes.stripePageCount;
  const frame = { columnCount: PICTURE_COLUMNS, labelWidth: String(endPfn - 1).length };
  const axes = { ...frame, rowCount: PLACEMENT_ROWS, bufferPageCount: table.pageCount, firstPfn, endPfn };
  const distance = Math.ceil(table.pageCount / SAMPLES_MAX);
  const dot = distance === 1 ? 'each page' : `1 page in ${formatCount(distance)}`;
  return {
    heading: `Where its pages lie in ${memory} (pfns on the left)`,
    lines: indent([
      ...drawStripes(stripes, frame),
      ...wrapText(explainStripes(stripes.stripePageCount, table.pageSize), WIDTH - INDENT.length),
      '',
      ...drawPlacements(samplePages(table, SAMPLES_MAX), axes),
      `to the right: through the buffer; upwards: pfns; a dot for ${dot}`,
    ]),
  };
}

/** Entries, where there is more to know of them than of runs. */
function formatOrders(table: SgTable): Section {
  const options = { pageSize: table.pageSize, barWidth: ORDER_BAR_WIDTH };
  const { runCount, shares } = summarizeRuns(table);
  if (table.entryCount !== runCount)
    return { heading: 'Entries by order', lines: indent(drawOrders(summarizeOrders(table), options)) };
  const runs = shares.map(({ order, runCount, pageCount }) => ({ order, entryCount: runCount, pageCount }));
  return { heading: 'Runs by order, rounded down', lines: indent(drawOrders(runs, options)) };
}

function formatRuns(table: SgTable, all: boolean): Section {
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
  );
  const rest = runCount - shown.length;
  const more = rest === 0 ? [] : [`and ${formatCount(rest)} more: --all shows them`];
  const heading = rest === 0 ? 'Its runs, by the page of the buffer' : 'Its first runs, by the page of the buffer';
  return { heading, lines: indent([...lines, ...more]) };
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? '' : `${INDENT}${line}`));
}
