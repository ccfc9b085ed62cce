/** Pictures of a buffer's layout, as lines of text: pure functions from numbers. */

import { formatSize } from '../../base/sizes.ts';
import type { ArenaStripes, OrderShare, PagePlacement, RunPlacement } from '../../measure/layout-summary.ts';
import { toAscii } from '../ascii-text.ts';
import { formatCount } from '../../base/number-format.ts';
import { widthOf } from '../table.ts';

const GAP = '  ';
const ORDER_BAR_WIDTH = 30;
const EIGHTHS = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'] as const;

/**
 * A braille character is two dots wide and four high. These are its bits from the top left dot to
 * the bottom right.
 */
const BRAILLE_BLANK = 0x28_00;
const BRAILLE_DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** The width of a picture, in characters. Its labels are on the left, right-aligned. */
export interface PictureFrame {
  readonly columnCount: number;
  readonly labelWidth: number;
}

const PICTURE_COLUMNS_MAX = 64;
/** The pfns on the left, and a blank. */
const LABEL_COLUMNS = 14;

/** The largest width of a picture on a terminal with so many columns. */
export function pictureColumns(columns: number): number {
  return Math.min(PICTURE_COLUMNS_MAX, columns - LABEL_COLUMNS);
}

/**
 * The stripes of the arena, row after row, each shaded by the buffer's share of it. Labels are
 * pfns.
 */
export function drawStripes(stripes: ArenaStripes, frame: PictureFrame): string[] {
  const { columnCount, labelWidth } = frame;
  const { firstPfn, stripePageCount, pageCounts } = stripes;
  const rows = Array.from({ length: Math.ceil(pageCounts.length / columnCount) }, (_, row) =>
    pageCounts.slice(row * columnCount, (row + 1) * columnCount),
  );
  return rows.map((counts, row) => {
    const label = String(firstPfn + row * columnCount * stripePageCount).padStart(labelWidth);
    return `${label} ${counts.map((count) => shadeOf(count / stripePageCount)).join('')}`;
  });
}

/** The meaning of the shades of {@link drawStripes}. */
export function explainStripes(stripePageCount: number, pageSize: number): string {
  const block = `one block: ${formatSize(stripePageCount * pageSize)}`;
  if (stripePageCount === 1) return `${block}; · not the buffer's  █ the buffer's`;
  return `${block}; the buffer's: · none  ░ to 1/4  ▒ to 1/2  ▓ more  █ all`;
}

/**
 * Entries by order, with a bar for the order's share of all entries. The bar is shorter, or
 * missing, where `width` leaves no room.
 */
export function drawOrders(shares: readonly OrderShare[], options: { pageSize: number; width: number }): string[] {
  const entryCount = shares.reduce((sum, share) => sum + share.entryCount, 0);
  const pageCount = shares.reduce((sum, share) => sum + share.pageCount, 0);
  const rows = shares.map((share) => ({
    label: `order ${share.order} (${formatSize(2 ** share.order * options.pageSize)})`,
    count: formatCount(share.entryCount),
    share: share.entryCount / entryCount,
    bytes: `${((share.pageCount / pageCount) * 100).toFixed(0)} % of the bytes`,
  }));
  const labelWidth = widthOf(rows.map((row) => row.label));
  const countWidth = widthOf(rows.map((row) => row.count));
  const room = options.width - [labelWidth, countWidth, widthOf(rows.map((row) => row.bytes))].reduce(sumOfColumns);
  const barWidth = Math.min(ORDER_BAR_WIDTH, room - GAP.length);
  return rows.map(({ label, count, share, bytes }) => {
    const cells = [label.padEnd(labelWidth), count.padStart(countWidth)];
    if (barWidth > 0) return [...cells, drawBar(share, barWidth), bytes].join(GAP);
    return [...cells, room < 0 ? bytes.replace(/ of .*/u, '') : bytes].join(GAP);
  });
}

/** The range of {@link drawPlacements}. */
interface PlacementAxes extends PictureFrame {
  readonly rowCount: number;
  readonly bufferPageCount: number;
  /**
   * The arena's pages from the bottom of the picture to its top: from `firstPfn` on, below
   * `endPfn`.
   */
  readonly firstPfn: number;
  readonly endPfn: number;
}

/**
 * A dot per page: its index in the buffer to the right, its pfn upwards. Contiguous pages are a
 * rising line, scattered ones a cloud. The labels are the pfns at which the rows begin.
 */
export function drawPlacements(placements: readonly PagePlacement[], axes: PlacementAxes): string[] {
  const { columnCount, labelWidth, rowCount, bufferPageCount, firstPfn, endPfn } = axes;
  const cells = Array.from({ length: rowCount }, () => Array.from({ length: columnCount }, () => BRAILLE_BLANK));
  for (const { bufferPage, pfn } of placements) {
    const x = Math.floor((bufferPage / bufferPageCount) * columnCount * 2);
    const y = rowCount * 4 - 1 - Math.floor(((pfn - firstPfn) / (endPfn - firstPfn)) * rowCount * 4);
    const row = cells[Math.floor(y / 4)];
    const dot = BRAILLE_DOTS[y % 4]?.[x % 2];
    if (row !== undefined && dot !== undefined) row[Math.floor(x / 2)] = (row[Math.floor(x / 2)] ?? 0) | dot;
  }
  return cells.map((row, index) => {
    const pfn = firstPfn + Math.floor(((endPfn - firstPfn) * (rowCount - 1 - index)) / rowCount);
    // Some fonts do not show a blank braille character as blank.
    const dots = String.fromCodePoint(...row).replaceAll('\u2800', ' ');
    return `${String(pfn).padStart(labelWidth)} ${dots}`.trimEnd();
  });
}

/**
 * The first runs, as many as fit `width`, even in ASCII: the index of the first page in the buffer,
 * and the range of pfns.
 */
export function describeFirstRuns(runs: readonly RunPlacement[], options: { runCount: number; width: number }): string {
  let line = '';
  for (const [index, { bufferPage, pfn, pageCount }] of runs.entries()) {
    const range = `${bufferPage} → ${formatRange(pfn, pageCount)}`;
    const longer = index === 0 ? range : `${line}, ${range}`;
    const ending = index + 1 < options.runCount ? ', …' : '';
    if (index > 0 && toAscii(longer + ending).length > options.width) break;
    line = longer;
    if (index + 1 === options.runCount) return line;
  }
  return `${line}, …`;
}

function sumOfColumns(sum: number, width: number): number {
  return sum + GAP.length + width;
}

function formatRange(first: number, count: number): string {
  return count === 1 ? `${first}` : `${first}-${first + count - 1}`;
}

function shadeOf(share: number): string {
  if (share === 0) return '·';
  if (share <= 0.25) return '░';
  if (share <= 0.5) return '▒';
  return share < 1 ? '▓' : '█';
}

/** Whole blocks and a last one in eighths: every share above zero shows. */
function drawBar(share: number, width: number): string {
  const eighths = Math.max(1, Math.round(share * width * 8));
  const last = eighths % 8;
  const bar = '█'.repeat(Math.floor(eighths / 8)) + (last === 0 ? '' : EIGHTHS[last - 1]);
  return bar.padEnd(width);
}
