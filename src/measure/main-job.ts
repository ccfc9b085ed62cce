import { assert } from '../base/assert.ts';
import { DmaBufError } from '../base/errors.ts';
import { bytesOfPages, pagesCoveringBytes, toByteLength } from '../base/quantities.ts';
import { GiB, MiB, formatSize } from '../base/sizes.ts';
import type { InspectableHeap, OrderMixName } from '../backend/embedded/index.ts';
import type { BackendKind } from '../backend/contract.ts';
import { endAfter } from '../heap/bracket.ts';
import type { DmaBuf } from '../heap/dma-buf.ts';
import { readMemoryRoom } from '../linux/memory-room.ts';
import { SystemCalls } from '../linux/system-calls.ts';
import { createPageList } from '../sg/page-list.ts';
import { pagesByEntry } from '../sg/pages-by-entry.ts';
import { pagesByPage } from '../sg/pages-by-page.ts';
import type { SgTable } from '../sg/sg-table.ts';
import { buildCPeer } from './c-peer.ts';
import { measureConversion } from './conversion.ts';
import type { ConversionTimes } from './conversion.ts';
import { measureConversionPeer } from './conversion-peer.ts';
import type { ConversionPeerTimes } from './conversion-peer.ts';
import { countMmapCalls } from './counted-calls.ts';
import { openMeasuredHeap } from './measured-heap.ts';
import type { ReportProgress } from './progress.ts';
import { SAMPLING_DEFAULT } from './sampling.ts';
import type { Sampling } from './sampling.ts';
import { runVmapJob } from './vmap-job.ts';
import type { VmapReport } from './vmap-job.ts';
import { isProven } from './window-proof.ts';

/** What {@link runMainJob} is to do. */
interface MainJobOptions {
  /** In bytes, from 1; rounded up to whole pages. */
  readonly length: number;
  readonly mix: OrderMixName;
  /** The same seed scatters the same way. Default: 0. */
  readonly seed?: number;
  readonly onProgress?: ReportProgress;
}

/** The heap that the buffer came from. */
interface HeapReport {
  readonly name: string;
  readonly backend: BackendKind;
  /** Why this backend, and not one that comes before it. */
  readonly chosenBecause: string;
  /** The orders that it allocates in, largest first. */
  readonly orders: readonly number[];
  readonly arenaPageCount: number;
}

/** What the conversion costs here and in C. */
interface ConversionReport {
  readonly times: ConversionTimes & ConversionPeerTimes;
  /** How the C program was built, or why there is none. */
  readonly peer: { readonly built: boolean; readonly description: string };
  /** Whether both walks gave the same pages. */
  readonly walksAgree: boolean;
}

/** Everything that the main job found. Times are medians, in ns for the whole buffer. */
export interface MainJobReport {
  readonly heap: HeapReport;
  readonly mix: OrderMixName;
  /** In bytes. */
  readonly length: number;
  readonly table: SgTable;
  readonly conversion: ConversionReport;
  readonly vmap: VmapReport;
  /** Whether everything checked was right; undefined when there was no window to check. */
  readonly verified: boolean | undefined;
}

const LENGTH_DEFAULT_MAX: number = 2 * GiB;
const MEMORY_SHARE = 0.5;
const WARMUP_PAGES = 2_000_000;
const WARMUP_ROUNDS_MAX = 10_000;

/** The buffer that the main job takes unless told otherwise: 2 GiB, or half of the available memory where that is less. */
export function defaultMainJobLength(root = '/'): number {
  const share = readMemoryRoom(root).bytes * MEMORY_SHARE;
  return Math.max(MiB, Math.floor(Math.min(LENGTH_DEFAULT_MAX, share) / MiB) * MiB);
}

/**
 * The package's main job: allocates a buffer of scattered pages from an embedded heap, turns its table into pages both ways,
 * maps it as one contiguous view run by run and page by page, and proves the view right.
 *
 * @throws {DmaBufError} `ENOMEM` when there is too little memory for the buffer. Too few mappings are a result, not an error.
 */
export function runMainJob(options: MainJobOptions): MainJobReport {
  const { mix, seed = 0, onProgress = () => {} } = options;
  const counted = countMmapCalls();
  const pageSize = new SystemCalls(counted.raw).pageSize();
  const length = bytesOfPages(pagesCoveringBytes(toByteLength(options.length), pageSize), pageSize);
  checkMemory(length);
  onProgress('open the heap', 0, 1);
  const measured = openMeasuredHeap({ length, mix, seed, raw: counted.raw });
  const { heap, orders } = measured;
  return withBuffer(heap, length, (buffer, table) => {
    const conversion = convert(table, onProgress);
    const vmap = runVmapJob({ buffer, table, measured, counted, onProgress });
    const { name, backend, chosenBecause } = heap;
    return {
      heap: { name, backend, chosenBecause, orders, arenaPageCount: heap.arena.pageCount },
      mix,
      length: buffer.length,
      table,
      conversion,
      vmap,
      verified: vmap.mapped ? isProven(vmap.proof) && conversion.walksAgree : undefined,
    };
  });
}

/** Before an arena is made for it: the bookkeeping of its pages alone takes memory. */
function checkMemory(length: number): void {
  const room = readMemoryRoom();
  if (length <= room.bytes) return;
  throw new DmaBufError(
    `Cannot allocate ${formatSize(length)} as ${room.limitedBy} leaves room for ${formatSize(room.bytes)}: take a smaller size`,
    { code: 'ENOMEM', values: { length, roomBytes: room.bytes, limitedBy: room.limitedBy } },
  );
}

/** Runs `body` with a buffer of the heap, then closes both. Exported for its test. */
export function withBuffer<Result>(
  heap: InspectableHeap,
  length: number,
  body: (buffer: DmaBuf, table: SgTable) => Result,
): Result {
  const useBuffer = (): Result => {
    const buffer = heap.allocate(length, { name: 'main job' });
    return endAfter(
      () => {
        const layout = buffer.layout();
        assert(layout.known, 'The embedded heap knows where its pages are');
        return body(buffer, layout.table);
      },
      () => buffer.close(),
    );
  };
  return endAfter(useBuffer, () => heap.close());
}

function convert(table: SgTable, onProgress: ReportProgress): ConversionReport {
  onProgress('convert to pages', 0, 1);
  const times = measureConversion(table, conversionSampling(table));
  onProgress('convert to pages in C', 0, 1);
  const peer = buildCPeer('sg-to-pages');
  const compare = (): ConversionReport => ({
    times: { ...times, ...measureConversionPeer(peer, table) },
    peer: { built: peer.built, description: peer.built ? `${peer.compiler}, -O2` : peer.reason },
    walksAgree: walksAgree(table),
  });
  return endAfter(compare, () => peer.close());
}

/** Small tables are walked more often before it counts: the engine compiles a loop once it has run some hundred thousand times. */
function conversionSampling(table: SgTable): Sampling {
  const wanted = Math.ceil(WARMUP_PAGES / table.pageCount);
  const warmupRounds = Math.min(Math.max(wanted, SAMPLING_DEFAULT.warmupRounds), WARMUP_ROUNDS_MAX);
  return { ...SAMPLING_DEFAULT, warmupRounds };
}

/** Pfns as numbers of 4 bytes, by both walks. */
function walksAgree(table: SgTable): boolean {
  const byPage = pagesByPage(table);
  const byEntry = pagesByEntry(table, { out: createPageList(table.pageCount) });
  return byPage.length === byEntry.length && byPage.every((pfn, index) => pfn === byEntry[index]);
}
