import { MiB } from '../../../src/base/sizes.ts';
import type { KernelVmapReport } from '../../../src/measure/kernel-vmap-job.ts';

/** Of a clock with 2 ns an instruction, on memory that was fragmented first. */
export const KERNEL_VMAP: KernelVmapReport = {
  heapName: 'system',
  length: 4 * MiB,
  pageSize: 4096,
  pageCount: 1024,
  entryCount: 79,
  heldBytes: 512 * MiB,
  kernelRelease: '6.12.1-test',
  roundCount: 10,
  times: {
    attachNs: 40_000,
    allocNs: 20_000,
    byPageNs: 60_000,
    byEntryNs: 12_000,
    vmapNs: 150_000,
    vunmapNs: 80_000,
    freeNs: 8000,
    wholeNs: 240_000,
    wholeVunmapNs: 81_000,
  },
  instructionNs: 2,
};
