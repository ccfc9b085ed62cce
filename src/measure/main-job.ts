import { bytesOfPages, pagesCoveringBytes, toByteLength } from '../base/quantities.ts';
import type { ByteLength } from '../base/quantities.ts';
import { GiB, MiB } from '../base/sizes.ts';
import type { OrderMixName } from '../pages/order-mixes.ts';
import { readUdmabufLimit } from '../backend/udmabuf/limit.ts';
import type { BackendKind, BufferLayout } from '../heap/backend.ts';
import { endAfter } from '../heap/finally.ts';
import { readAvailableMemory } from '../linux/proc/available-memory.ts';
import { MemoryCalls } from '../linux/calls/memory-calls.ts';
import { runConversionJob } from './conversion-job.ts';
import type { ConversionReport } from './conversion-job.ts';
import { countMmapCalls } from './counted-calls.ts';
import type { CountedCalls } from './counted-calls.ts';
import { allocateEmbeddedBuffer } from './embedded-buffer.ts';
import { measureHugePageGain } from './huge-page-gain.ts';
import type { HugePageGain } from './huge-page-gain.ts';
import { readInstructionNs } from './instruction-clock.ts';
import { allocateMachineBuffer } from './machine-buffer.ts';
import type { MachineHeapName } from './machine-buffer.ts';
import type { HeapReport, MeasuredBuffer } from './measured-buffer.ts';
import { checkMemory } from './memory-check.ts';
import { isTableProven } from './memory-proof.ts';
import type { ReportProgress, VmapReport } from './vmap-job.ts';
import { runVmapJob } from './vmap-job.ts';
import { isProven } from './window-proof.ts';
import { thisMachine } from '../linux/machine.ts';
import type { Machine } from '../linux/machine.ts';

/** A buffer of the embedded heap, whose pages can have a wanted mix of orders. */
interface EmbeddedSource {
  readonly backend: 'embedded';
  readonly mix: OrderMixName;
  /** The same seed scatters the same way. Default: 0. */
  readonly seed?: number;
}

/** A buffer of a heap of the machine, in the orders that the kernel gives. */
interface MachineSource extends MachineHeapName {
  /** Whether the machine's memory is fragmented first. */
  readonly fragmented: boolean;
}

/** The source of the main job's buffer. */
export type MainJobSource = EmbeddedSource | MachineSource;

/** The parameters of {@link runMainJob}. */
interface MainJobOptions {
  /** In bytes, from 1; rounded up to whole pages. */
  readonly length: number;
  readonly source: MainJobSource;
  readonly onProgress?: ReportProgress;
}

/** The results of the main job. Times are medians, in ns for the whole buffer. */
export interface MainJobReport {
  readonly heap: HeapReport;
  /** Undefined where the kernel chose the orders. */
  readonly mix: OrderMixName | undefined;
  /**
   * How much of the machine's memory was held to fragment it; undefined where it was not
   * fragmented.
   */
  readonly heldBytes: number | undefined;
  /** In bytes. */
  readonly length: number;
  readonly pageSize: number;
  readonly layout: BufferLayout;
  readonly conversion: ConversionReport;
  readonly vmap: VmapReport;
  /**
   * The same memory in both kinds of pages. Undefined for a heap of the machine, whose pages the
   * kernel chooses.
   */
  readonly hugePages: HugePageGain | undefined;
  /**
   * How many ns of the clock an instruction takes, if it counts instructions; undefined if it
   * counts time.
   */
  readonly instructionNs: number | undefined;
  /** Whether every check succeeded; undefined when there was no window to check. */
  readonly verified: boolean | undefined;
}

const LENGTH_DEFAULT_MAX: number = 2 * GiB;
const MEMORY_SHARE = 0.5;

/**
 * The default length of the main job's buffer: 2 GiB, or half of the available memory, or the
 * largest udmabuf, if less.
 */
export function defaultMainJobLength(backend: BackendKind = 'embedded', machine: Machine = thisMachine): number {
  const share = readAvailableMemory(machine).bytes * MEMORY_SHARE;
  const bytesMax = backend === 'udmabuf' ? readUdmabufLimit(machine).bytes : LENGTH_DEFAULT_MAX;
  return Math.max(MiB, Math.floor(Math.min(LENGTH_DEFAULT_MAX, bytesMax, share) / MiB) * MiB);
}

/**
 * The package's main job: allocates a buffer of scattered pages, converts its table into pages in
 * both ways, maps it as one contiguous view and page by page, and proves that the view is right.
 *
 * @throws {DmaBufError} `ENOMEM` when there is too little memory for the buffer, `ENODEV` when the
 *   heap does not open, and the errors of `fragmentMemory`. Too few mappings, or an unknown table,
 *   are results rather than errors.
 */
export function runMainJob(options: MainJobOptions): MainJobReport {
  const { source, onProgress = () => {} } = options;
  const counted = countMmapCalls();
  const pageSize = new MemoryCalls(counted.raw).pageSize();
  const length = bytesOfPages(pagesCoveringBytes(toByteLength(options.length), pageSize), pageSize);
  checkMemory(length, source.backend);
  const work = { length, counted, onProgress };
  onProgress('open the heap', 0, 1);
  const measured = allocate(source, work);
  const report = endAfter(
    () => examine(measured, source, work),
    () => measured.close(),
  );
  if (source.backend !== 'embedded') return { ...report, hugePages: undefined };
  // Only after the buffer's memory has gone back.
  onProgress('compare huge pages', 0, 1);
  return { ...report, hugePages: measureHugePageGain(length) };
}

interface Work {
  readonly length: ByteLength;
  readonly counted: CountedCalls;
  readonly onProgress: ReportProgress;
}

function allocate(source: MainJobSource, { length, counted, onProgress }: Work): MeasuredBuffer {
  if (source.backend !== 'embedded') return allocateMachineBuffer({ ...source, length, raw: counted.raw, onProgress });
  const { mix, seed = 0 } = source;
  return allocateEmbeddedBuffer({ length, mix, seed, raw: counted.raw });
}

function examine(
  measured: MeasuredBuffer,
  source: MainJobSource,
  { counted, onProgress }: Work,
): Omit<MainJobReport, 'hugePages'> {
  const { heap, layout, buffer, filePages } = measured;
  const conversion = runConversionJob(layout, onProgress);
  const vmap = runVmapJob({ measured, counted, onProgress });
  return {
    heap,
    mix: source.backend === 'embedded' ? source.mix : undefined,
    heldBytes: measured.heldBytes,
    length: buffer.length,
    pageSize: filePages.pageSize,
    layout,
    conversion,
    vmap,
    instructionNs: readInstructionNs(),
    verified: vmap.mapped ? isVerified(vmap, conversion) : undefined,
  };
}

/** An impossible check does not count as a failed one. */
function isVerified(
  { proof, tableProof }: Extract<VmapReport, { mapped: true }>,
  conversion: ConversionReport,
): boolean {
  const walksAgree = !conversion.measured || conversion.walksAgree;
  return isProven(proof) && walksAgree && (tableProof === undefined || isTableProven(tableProof));
}
