import { endAfter } from '../heap/finally.ts';
import type { BufferLayout } from '../heap/backend.ts';
import { createPageList } from '../sg/page-list.ts';
import { pagesByEntry } from '../sg/pages-by-entry.ts';
import { pagesByPage } from '../sg/pages-by-page.ts';
import type { SgTable } from '../sg/sg-table.ts';
import { buildCPeer } from './c-peer.ts';
import { measureConversion } from './conversion.ts';
import type { ConversionTimes } from './conversion.ts';
import { runConversionPeer, toPeerTimes, walksOfPeerGive } from './conversion-peer.ts';
import type { ConversionPeerTimes } from './conversion-peer.ts';
import type { ReportProgress } from './vmap-job.ts';
import { SAMPLING_DEFAULT } from './sampling.ts';
import type { Sampling } from './sampling.ts';

/** The cost of converting a buffer's table, here and in C. */
export interface MeasuredConversion {
  readonly measured: true;
  readonly times: ConversionTimes & ConversionPeerTimes;
  /** How the C program was built, or why there is none. */
  readonly peer: { readonly built: boolean; readonly description: string };
  /** Whether both walks gave the same pages, here and in C. */
  readonly walksAgree: boolean;
}

/** Without a table there is nothing to convert. */
interface MissingConversion {
  readonly measured: false;
  readonly reason: string;
  readonly remedy?: string | undefined;
}

export type ConversionReport = MeasuredConversion | MissingConversion;

const WARMUP_PAGES = 2_000_000;
const WARMUP_ROUNDS_MAX = 10_000;
/** 4 bytes: the walks are measured with pfns of this width. */
const PFN_MAX = 2 ** 32 - 1;

/** Converts a buffer's table in both ways, here and in C, and compares the results. */
export function runConversionJob(layout: BufferLayout, onProgress: ReportProgress): ConversionReport {
  if (!layout.known) return { measured: false, reason: layout.reason, remedy: layout.remedy };
  const { table } = layout;
  if (hasWidePfns(table))
    return {
      measured: false,
      reason: 'its pages lie above 16 TiB, and their pfns do not fit the 4 bytes measured here',
    };
  onProgress('convert to pages', 0, 1);
  const times = measureConversion(table, conversionSampling(table));
  onProgress('convert to pages in C', 0, 1);
  const peer = buildCPeer('sg-to-pages');
  const compare = (): MeasuredConversion => {
    const inC = runConversionPeer(peer, table);
    const pages = pagesByPage(table);
    return {
      measured: true,
      times: { ...times, ...toPeerTimes(inC) },
      peer: { built: peer.built, description: peer.built ? `${peer.compiler}, -O2` : peer.reason },
      walksAgree: isSamePages(pages, table) && (inC === undefined || walksOfPeerGive(inC, pages)),
    };
  };
  return endAfter(compare, () => peer.close());
}

function hasWidePfns({ columns: { pfns, pageCounts } }: SgTable): boolean {
  if (pfns instanceof Uint32Array) return false;
  return pfns.some((pfn, entry) => pfn + (pageCounts[entry] ?? 0) - 1 > PFN_MAX);
}

/**
 * Small tables need more warm-up walks: the engine compiles a loop after some hundred thousand
 * iterations.
 */
function conversionSampling(table: SgTable): Sampling {
  const wanted = Math.ceil(WARMUP_PAGES / table.pageCount);
  const warmupRounds = Math.min(Math.max(wanted, SAMPLING_DEFAULT.warmupRounds), WARMUP_ROUNDS_MAX);
  return { ...SAMPLING_DEFAULT, warmupRounds };
}

/** Whether the walk by entry gives the same pages as the walk by page. */
function isSamePages(pages: Uint32Array, table: SgTable): boolean {
  const byEntry = pagesByEntry(table, { out: createPageList(table.pageCount) });
  return pages.length === byEntry.length && pages.every((pfn, index) => pfn === byEntry[index]);
}
