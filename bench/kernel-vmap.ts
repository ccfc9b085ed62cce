/**
 * `dma_buf_vmap` in the kernel: its conversion page by page as the heap has it, and entry by entry
 * as the patch has it, on real tables. Measured by the kernel module dmabuf_measure.
 */

import { isDmaBufError } from '../src/base/errors.ts';
import { formatSize, GiB, MiB } from '../src/base/sizes.ts';
import { runKernelVmapJob } from '../src/measure/kernel-vmap-job.ts';
import type { KernelVmapReport } from '../src/measure/kernel-vmap-job.ts';
import type { JudgedRow } from './judged-row.ts';
import { toBenchRow } from './row.ts';

export interface KernelVmapBenchOptions {
  /** In bytes. */
  readonly lengths?: readonly number[];
}

const LENGTHS_DEFAULT: readonly number[] = [64 * MiB, 256 * MiB, GiB];
const BY_PAGE = 'page by page, as the system heap has it';

function rowsOf({ length, entryCount, times }: KernelVmapReport): JudgedRow[] {
  const { byPageNs, byEntryNs, wholeNs } = times;
  const subject = `in the kernel, ${formatSize(length)} of its system heap (${entryCount} entries)`;
  return [
    toBenchRow({
      subject,
      ours: 'sg to pages entry by entry, as the patch has it (its mail: 6.2x)',
      oursNs: byEntryNs,
      peer: BY_PAGE,
      peerNs: byPageNs,
    }),
    toBenchRow({
      subject,
      ours: 'dma_buf_vmap with that, computed',
      oursNs: wholeNs - byPageNs + byEntryNs,
      peer: 'dma_buf_vmap as it is',
      peerNs: wholeNs,
    }),
  ];
}

export function* kernelVmapRows({ lengths = LENGTHS_DEFAULT }: KernelVmapBenchOptions = {}): Generator<JudgedRow> {
  for (const length of lengths) {
    try {
      yield* rowsOf(runKernelVmapJob({ length, heapName: 'system', fragmented: false }));
    } catch (error) {
      if (!isDmaBufError(error, 'ENODEV')) throw error;
      yield toBenchRow({
        subject: 'in the kernel',
        ours: `n/a: ${error.message}`,
        oursNs: null,
        peer: BY_PAGE,
        peerNs: null,
      });
      return;
    }
  }
}
