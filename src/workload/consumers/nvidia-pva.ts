import { DmaBufError } from '../../base/errors.ts';
import type { DmaBuf } from '../../heap/dma-buf.ts';
import type { KernelFunctions } from '../kernel/kernel-functions.ts';

const SITE = { path: ['pva_task_write_semaphore', 'pva_queue_cleanup_fence', 'pva_queue_cleanup'] };
const SEMAPHORE_BYTES = 4;

/** A fence of a task: a word of a buffer that others look at. */
interface PvaSemaphore {
  readonly buffer: DmaBuf;
  readonly offset: number;
  readonly value: number;
}

interface NvidiaPvaOptions {
  /** As it was: the test for alignment is inverted, and returns without unmapping. */
  readonly leaksAligned?: boolean;
}

/**
 * NVIDIA's vision accelerator, as it retires a task: for each fence, the buffer is mapped, one word
 * is written, and it is unmapped (pva_queue.c, pva_task_write_semaphore). Out of tree. Left out:
 * the task itself, and fences that are no semaphores.
 *
 * @throws {DmaBufError} `EINVAL` for an offset that is not aligned; as mapping fails
 */
export async function retireTaskOfPva(
  kernel: KernelFunctions,
  fences: readonly PvaSemaphore[],
  { leaksAligned = false }: NvidiaPvaOptions = {},
): Promise<void> {
  for (const { buffer, offset, value } of fences) {
    const isAligned = offset % SEMAPHORE_BYTES === 0;
    const isRefused = leaksAligned ? isAligned : !isAligned;
    if (isRefused && !leaksAligned)
      throw new DmaBufError('Cannot write the semaphore: it is unaligned', { code: 'EINVAL' });
    const view = await kernel.reserve(buffer, () => kernel.vmap(buffer, SITE));
    // What it leaks is never unmapped: the function returns here.
    if (isRefused) continue;
    view.subarray(offset, SEMAPHORE_BYTES).set(new Uint8Array(new Uint32Array([value]).buffer));
    await kernel.reserve(buffer, () => kernel.vunmap(buffer, SITE));
  }
}
