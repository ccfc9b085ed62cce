import { createPageList } from '../sg/page-list.ts';
import { pagesByEntry } from '../sg/pages-by-entry.ts';
import { pagesByPage } from '../sg/pages-by-page.ts';
import type { SgTable } from '../sg/sg-table.ts';
import { sample } from './sampling.ts';
import type { Sampling } from './sampling.ts';

/** The cost of converting one table to pages, as this package does it. Medians. */
export interface ConversionTimes {
  /** `pagesByPage` into a list of pfns. */
  readonly byPageNs: number;
  /** `pagesByEntry` into a list of pfns. */
  readonly byEntryNs: number;
  /** `pagesByEntry` into a list of addresses. */
  readonly byEntry8Ns: number;
}

/** The measured conversions, each into a list of its own that is reused. */
interface ConversionRuns {
  readonly byPage: () => void;
  readonly byEntry: () => void;
  readonly byEntry8: () => void;
}

/** @param table has at least one page, and pfns that fit 32 bits */
export function conversionRuns(table: SgTable): ConversionRuns {
  const pfns = createPageList(table.pageCount);
  const addresses = createPageList(table.pageCount, 8);
  return {
    byPage: () => void pagesByPage(table, { out: pfns }),
    byEntry: () => void pagesByEntry(table, { out: pfns }),
    byEntry8: () => void pagesByEntry(table, { out: addresses }),
  };
}

/** Measures the conversion of `table`, which has at least one page, and pfns that fit 32 bits. */
export function measureConversion(table: SgTable, sampling?: Sampling): ConversionTimes {
  const runs = conversionRuns(table);
  return {
    byPageNs: sample(runs.byPage, sampling).medianNs,
    byEntryNs: sample(runs.byEntry, sampling).medianNs,
    byEntry8Ns: sample(runs.byEntry8, sampling).medianNs,
  };
}
