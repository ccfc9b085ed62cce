/** include/uapi/linux/dma-heap.h */

import { ioctlReadWrite } from './ioctl.ts';
import { defineStruct } from './struct.ts';
import type { StructSchema } from './struct.ts';

export const dmaHeapAllocationData: StructSchema<'len' | 'fd' | 'fdFlags' | 'heapFlags'> = defineStruct({
  len: 'u64',
  fd: 'u32',
  fdFlags: 'u32',
  heapFlags: 'u64',
});

/**
 * The driver tells its commands apart by number alone and accepts an argument of any size. It reads
 * a shorter argument as if zeros followed, and does not touch the unknown rest of a longer one
 * (drivers/dma-buf/dma-heap.c, dma_heap_ioctl). So this number, with the size of the struct above,
 * works on kernels whose struct has grown.
 */
export const DMA_HEAP_IOCTL_ALLOC: number = ioctlReadWrite({ group: 'H', number: 0 }, dmaHeapAllocationData.size);
