import type { KernelVmapTimes } from '../../linux/calls/kernel-vmap-calls.ts';
import type { KernelVmapReport } from '../../measure/kernel-vmap-job.ts';

/**
 * The output of `dmabuf vmap --kernel --json`: docs/schemas/dmabuf-kernel-vmap.schema.json. Sizes
 * in bytes, times in ns for the whole buffer.
 */
interface KernelVmapJson {
  readonly format: 'dmabuf-kernel-vmap';
  readonly version: 1;
  readonly size: number;
  readonly pages: number;
  readonly entries: number;
  readonly heap: string;
  /** How much memory was held to fragment the machine's; null where it was not fragmented. */
  readonly heldBytes: number | null;
  /** As `uname -r` has it. */
  readonly kernel: string;
  readonly rounds: number;
  /**
   * How many ns of the clock an instruction takes, if it counts instructions; null if it counts
   * time.
   */
  readonly instructionNs: number | null;
  readonly times: KernelVmapTimes;
}

export function toKernelJson(report: KernelVmapReport): KernelVmapJson {
  return {
    format: 'dmabuf-kernel-vmap',
    version: 1,
    size: report.length,
    pages: report.pageCount,
    entries: report.entryCount,
    heap: report.heapName,
    heldBytes: report.heldBytes ?? null,
    kernel: report.kernelRelease,
    rounds: report.roundCount,
    instructionNs: report.instructionNs ?? null,
    times: report.times,
  };
}
