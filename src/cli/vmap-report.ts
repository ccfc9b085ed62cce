/** What `dmabuf vmap` prints for people. */

import { formatSize } from '../base/sizes.ts';
import { ORDER_MIXES } from '../backend/embedded/index.ts';
import {
  firstRuns,
  magnifyPartialStripe,
  samplePages,
  summarizeOrders,
  summarizeStripes,
} from '../measure/layout-summary.ts';
import type { ArenaStripes } from '../measure/layout-summary.ts';
import type { MainJobReport } from '../measure/main-job.ts';
import type { StampCount } from '../measure/window-proof.ts';
import type { SgTable } from '../sg/sg-table.ts';
import { describeFirstRuns, drawOrders, drawPlacements, drawStripes, explainStripes } from './layout-picture.ts';
import type { PictureFrame } from './layout-picture.ts';
import { formatAmount, formatCount } from './number-format.ts';
import { formatLabelled, wrapText } from './table.ts';
import { WIDTH } from './terminal.ts';
import type { ReportStyle, Section } from './report-section.ts';
import { formatTimes } from './vmap-times.ts';

const INDENT = '  ';
const TEXT_WIDTH: number = WIDTH - INDENT.length;
/** Leaves room for the pfns on the left. */
const PICTURE_COLUMNS = 64;
const STRIPE_ROWS = 2;
const PLACEMENT_ROWS = 8;
/** Four dots for each of the picture's two columns a character. */
const SAMPLES_MAX = 512;
const FIRST_RUNS_MAX = 8;
const ORDER_BAR_WIDTH = 30;

/** The whole report, line by line. */
export function formatReport(report: MainJobReport, style: ReportStyle): string[] {
  const sections = [
    formatBuffer(report),
    formatLayout(report),
    formatOrders(report),
    formatTimes(report, style),
    formatProof(report),
  ];
  const lines = sections.flatMap((section) => ['', style.bold(section.heading)].concat(section.lines));
  return lines.slice(1);
}

function formatBuffer({ heap, mix, length, table }: MainJobReport): Section {
  const pages = `${formatAmount(table.pageCount, 'page', 'pages')} of ${formatSize(table.pageSize)}`;
  const pieces = `${formatAmount(table.entryCount, 'entry', 'entries')} in ${formatAmount(table.runs().count, 'run', 'runs')}`;
  const arena = formatSize(heap.arenaPageCount * table.pageSize);
  return {
    heading: `A buffer of ${formatSize(length)}, mix ${mix}`,
    lines: [
      ...formatLabelled(
        '  heap     ',
        `"${heap.name}", ${heap.backend} backend; orders ${heap.orders.join(', ')}; arena of ${arena}`,
        WIDTH,
      ),
      ...formatLabelled('  why      ', heap.chosenBecause, WIDTH),
      ...formatLabelled('  buffer   ', `${pages}, ${pieces}`, WIDTH),
      ...formatLabelled('  mix      ', ORDER_MIXES[mix].reason, WIDTH),
    ],
  };
}

function formatLayout({ heap, table }: MainJobReport): Section {
  const stripes = summarizeStripes(table, PICTURE_COLUMNS * STRIPE_ROWS);
  const samples = samplePages(table, SAMPLES_MAX);
  const { firstPfn } = stripes;
  const endPfn = firstPfn + stripes.pageCounts.length * stripes.stripePageCount;
  const frame = { columnCount: PICTURE_COLUMNS, labelWidth: String(endPfn - 1).length };
  const axes = { ...frame, rowCount: PLACEMENT_ROWS, bufferPageCount: table.pageCount, firstPfn, endPfn };
  const distance = Math.ceil(table.pageCount / SAMPLES_MAX);
  const dot = distance === 1 ? 'each page' : `1 page in ${formatCount(distance)}`;
  const runs = firstRuns(table, FIRST_RUNS_MAX);
  const runsLabel = 'page → pfns: ';
  const runsOptions = { runCount: table.runs().count, width: TEXT_WIDTH - runsLabel.length };
  return {
    heading: `Where its pages lie in the arena of ${formatSize(heap.arenaPageCount * table.pageSize)} (pfns on the left)`,
    lines: indent([
      ...drawStripes(stripes, frame),
      ...wrapText(explainStripes(stripes.stripePageCount, table.pageSize), TEXT_WIDTH),
      ...drawMagnified(table, stripes, frame),
      '',
      ...drawPlacements(samples, axes),
      `to the right: through the buffer; upwards: pfns; a dot for ${dot}`,
      `${runsLabel}${describeFirstRuns(runs, runsOptions)}`,
    ]),
  };
}

/** In the large, pages of others between the buffer's are a shade; in the small they can be seen. */
function drawMagnified(table: SgTable, stripes: ArenaStripes, frame: PictureFrame): string[] {
  const magnified = magnifyPartialStripe(table, stripes, PICTURE_COLUMNS);
  if (magnified === undefined) return [];
  const block = formatSize(magnified.stripePageCount * table.pageSize);
  const explanation = `one of these blocks magnified: each is ${block} now`;
  return ['', ...drawStripes(magnified, frame), explanation];
}

function formatOrders({ table }: MainJobReport): Section {
  const options = { pageSize: table.pageSize, barWidth: ORDER_BAR_WIDTH };
  return { heading: 'Entries by order', lines: indent(drawOrders(summarizeOrders(table), options)) };
}

function formatProof(report: MainJobReport): Section {
  const { conversion, table, vmap } = report;
  const walks = conversion.walksAgree
    ? `both walks give the same pages: ${formatCount(table.pageCount)}`
    : 'WRONG: the two walks give different pages';
  const stamps = vmap.mapped
    ? [
        `stamps written through the view, found in the arena's pages: ${formatStamps(vmap.proof.throughWindow)}`,
        `stamps written into the arena's pages, seen through the view: ${formatStamps(vmap.proof.throughPages)}`,
        '(first and last page of every run; every stamp is different)',
      ]
    : ['no view, so nothing to prove'];
  return { heading: proofHeading(report.verified), lines: indent([walks, ...stamps]) };
}

function proofHeading(verified: boolean | undefined): string {
  if (verified === undefined) return 'Proof';
  return verified ? 'Proof: the view is right' : 'Proof: THE VIEW IS WRONG';
}

function formatStamps({ written, found }: StampCount): string {
  return `${formatCount(found)} of ${formatCount(written)}`;
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => (line === '' ? line : `${INDENT}${line}`));
}
