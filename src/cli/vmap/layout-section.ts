/** The picture of the places of a buffer's pages. */

import { formatSize } from '../../base/sizes.ts';
import { firstRuns, magnifyPartialStripe, samplePages, summarizeStripes } from '../../measure/layout-summary.ts';
import type { ArenaStripes } from '../../measure/layout-summary.ts';
import type { SgTable } from '../../sg/sg-table.ts';
import { describeFirstRuns, drawPlacements, drawStripes, explainStripes, pictureColumns } from '../layout/picture.ts';
import type { PictureFrame } from '../layout/picture.ts';
import { formatCount } from '../../base/number-format.ts';
import { indentLines, sectionColumns } from '../report-section.ts';
import type { Section } from '../report-section.ts';
import { wrapText } from '../table.ts';

const STRIPE_ROWS = 2;
const PLACEMENT_ROWS = 8;
/** Four dots for each of the picture's two columns per character. */
const SAMPLES_MAX = 512;
const FIRST_RUNS_MAX = 8;

/**
 * The places of a buffer's pages.
 *
 * @param memory the memory that its pfns count
 */
export function drawLayout(table: SgTable, memory: string, columns: number): Section {
  const width = sectionColumns(columns);
  const columnCount = pictureColumns(width);
  const stripes = summarizeStripes(table, columnCount * STRIPE_ROWS);
  const samples = samplePages(table, SAMPLES_MAX);
  const { firstPfn } = stripes;
  const endPfn = firstPfn + stripes.pageCounts.length * stripes.stripePageCount;
  const frame = { columnCount, labelWidth: String(endPfn - 1).length };
  const axes = { ...frame, rowCount: PLACEMENT_ROWS, bufferPageCount: table.pageCount, firstPfn, endPfn };
  const distance = Math.ceil(table.pageCount / SAMPLES_MAX);
  const dot = distance === 1 ? 'each page' : `1 page in ${formatCount(distance)}`;
  const runs = firstRuns(table, FIRST_RUNS_MAX);
  const runsLabel = 'page → pfns: ';
  const runsOptions = { runCount: table.runs().count, width: width - runsLabel.length };
  const lines = indentLines([
    ...drawStripes(stripes, frame),
    ...wrapText(explainStripes(stripes.stripePageCount, table.pageSize), width),
    ...drawMagnified(table, stripes, frame),
    '',
    ...drawPlacements(samples, axes),
    ...wrapText(`to the right: through the buffer; upwards: pfns; a dot for ${dot}`, width),
    ...wrapText(`${runsLabel}${describeFirstRuns(runs, runsOptions)}`, width),
  ]);
  return { heading: `Where its pages lie in ${memory} (pfns on the left)`, lines };
}

/**
 * The large picture shows pages of others between the buffer's as a shade. The small one shows them
 * one by one.
 */
function drawMagnified(table: SgTable, stripes: ArenaStripes, frame: PictureFrame): string[] {
  const magnified = magnifyPartialStripe(table, stripes, frame.columnCount);
  if (magnified === undefined) return [];
  const block = formatSize(magnified.stripePageCount * table.pageSize);
  const explanation = `one of these blocks magnified: each is ${block} now`;
  return ['', ...drawStripes(magnified, frame), ...wrapText(explanation, frame.columnCount + frame.labelWidth)];
}
