/**
 * The numbers for a picture of a buffer's layout: a table of half a million entries does not fit a
 * screen.
 */

import { assert } from '../base/assert.ts';
import type { SgTable } from '../sg/sg-table.ts';

/** The entries of one order. */
export interface OrderShare {
  readonly order: number;
  readonly entryCount: number;
  readonly pageCount: number;
}

/** A range of the arena, cut into stripes of equal length. */
export interface ArenaStripes {
  /** The first page of the first stripe. */
  readonly firstPfn: number;
  /** A power of two. */
  readonly stripePageCount: number;
  /** How many pages of each stripe belong to the buffer. */
  readonly pageCounts: readonly number[];
}

/** Page `bufferPage` of a buffer is page `pfn` of the arena. */
export interface PagePlacement {
  readonly bufferPage: number;
  readonly pfn: number;
}

/** A run of a buffer: its first page, and its number of pages. */
export interface RunPlacement extends PagePlacement {
  readonly pageCount: number;
}

/**
 * Largest order first. An entry whose number of pages is not a power of two counts under the next
 * lower order.
 */
export function summarizeOrders(table: SgTable): OrderShare[] {
  const pageCounts = new Map<number, number>();
  for (const pageCount of table.columns.pageCounts) {
    const order = 31 - Math.clz32(pageCount);
    pageCounts.set(order, (pageCounts.get(order) ?? 0) + pageCount);
  }
  return [...table.orders()].map(([order, entryCount]) => ({
    order,
    entryCount,
    pageCount: pageCounts.get(order) ?? 0,
  }));
}

/**
 * As few pages per stripe as `stripeCountMax` stripes allow, in a power of two. Stripes begin at a
 * multiple of that.
 */
export function summarizeStripes(table: SgTable, stripeCountMax: number): ArenaStripes {
  const runs = placeRuns(table);
  const lowest = runs.reduce((least, { pfn }) => Math.min(least, pfn), Number.POSITIVE_INFINITY);
  const highest = runs.reduce((most, { pfn, pageCount }) => Math.max(most, pfn + pageCount - 1), -1);
  assert(lowest <= highest, 'A buffer has pages');
  let stripePageCount = 1;
  while (stripeCountBetween(lowest, highest, stripePageCount) > stripeCountMax) stripePageCount *= 2;
  const firstPfn = Math.floor(lowest / stripePageCount) * stripePageCount;
  return countStripes(runs, {
    firstPfn,
    stripePageCount,
    stripeCount: stripeCountBetween(lowest, highest, stripePageCount),
  });
}

/**
 * The first stripe that is partly the buffer's, divided into at most `stripeCountMax` stripes;
 * undefined when there is none.
 */
export function magnifyPartialStripe(
  table: SgTable,
  stripes: ArenaStripes,
  stripeCountMax: number,
): ArenaStripes | undefined {
  const { pageCounts, stripePageCount: magnifiedPageCount } = stripes;
  const index = pageCounts.findIndex((pageCount) => pageCount > 0 && pageCount < magnifiedPageCount);
  if (index === -1) return undefined;
  const firstPfn = stripes.firstPfn + index * magnifiedPageCount;
  // A power of two, like the number of pages, so stripes have whole pages.
  const stripeCount = Math.min(2 ** Math.floor(Math.log2(stripeCountMax)), magnifiedPageCount);
  return countStripes(placeRuns(table), { firstPfn, stripePageCount: magnifiedPageCount / stripeCount, stripeCount });
}

/** The first `countMax` runs. */
export function firstRuns(table: SgTable, countMax: number): RunPlacement[] {
  return placeRuns(table, countMax);
}

/** At most `countMax` pages at equal distances in the buffer, from its first on. */
export function samplePages(table: SgTable, countMax: number): PagePlacement[] {
  const step = Math.ceil(table.pageCount / countMax);
  const samples: PagePlacement[] = [];
  let next = 0;
  for (const { bufferPage, pfn, pageCount } of placeRuns(table)) {
    for (; next < bufferPage + pageCount; next += step)
      samples.push({ bufferPage: next, pfn: pfn + next - bufferPage });
  }
  return samples;
}

function stripeCountBetween(lowest: number, highest: number, stripePageCount: number): number {
  return Math.floor(highest / stripePageCount) - Math.floor(lowest / stripePageCount) + 1;
}

function countStripes(
  runs: readonly RunPlacement[],
  cut: { readonly firstPfn: number; readonly stripePageCount: number; readonly stripeCount: number },
): ArenaStripes {
  const { firstPfn, stripePageCount, stripeCount } = cut;
  const pageCounts = Array.from({ length: stripeCount }, () => 0);
  for (const { pfn, pageCount } of runs) {
    const end = Math.min(pfn + pageCount, firstPfn + stripeCount * stripePageCount);
    for (let page = Math.max(pfn, firstPfn); page < end;) {
      const stripe = Math.floor((page - firstPfn) / stripePageCount);
      const stripeEnd = Math.min(firstPfn + (stripe + 1) * stripePageCount, end);
      pageCounts[stripe] = (pageCounts[stripe] ?? 0) + stripeEnd - page;
      page = stripeEnd;
    }
  }
  return { firstPfn, stripePageCount, pageCounts };
}

function placeRuns(table: SgTable, countMax = Number.POSITIVE_INFINITY): RunPlacement[] {
  const { count, pfns, lengths } = table.runs();
  const placements: RunPlacement[] = [];
  let bufferPage = 0;
  for (let index = 0; index < Math.min(count, countMax); index += 1) {
    const pageCount = (lengths[index] as number) / table.pageSize;
    placements.push({ bufferPage, pfn: pfns[index] as number, pageCount });
    bufferPage += pageCount;
  }
  return placements;
}
